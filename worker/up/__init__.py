"""Everything on one machine: servers of wheels and our own processes as children of one process."""
