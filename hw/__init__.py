"""Hardware of a reconfigurable dataflow unit: pure values first, Amaranth generators beside them."""
