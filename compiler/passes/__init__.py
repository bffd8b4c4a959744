"""The passes that lead from a program to a netlist."""
