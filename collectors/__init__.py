"""The eyes: how Windows DHCP servers speak. Knows nothing of what is done about what it sees."""
