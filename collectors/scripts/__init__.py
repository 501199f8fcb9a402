"""The PowerShell that runs on DHCP servers: read-only, fixed text, one JSON document."""

from collectors.scripts.packaged import Projection, Script, packaged, projection, recognised

__all__ = ["Projection", "Script", "packaged", "projection", "recognised"]
