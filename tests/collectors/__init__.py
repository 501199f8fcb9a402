"""Reading what Windows DHCP servers say."""
