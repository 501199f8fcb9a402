"""WinRM servers that behave like a fleet of Windows DHCP servers, bad days included."""
