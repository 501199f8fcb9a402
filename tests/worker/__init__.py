"""Settings, inventory, the store and the steps of a sync."""
