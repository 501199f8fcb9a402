"""A simulated fleet as a person runs it: from a file, with an inventory for it, changed by hand."""
