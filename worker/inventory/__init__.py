"""The servers that IPAM knows: their file, names, credentials and the way to each of them."""
