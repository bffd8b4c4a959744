"""From a netlist to an image: memory, buffers, placement, routing."""
