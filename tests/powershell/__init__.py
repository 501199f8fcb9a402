"""PowerShell texts, and a real PowerShell that accepts or refuses them."""
