"""What other systems watch: metrics over HTTP, the exporter, the doctor and the heartbeat."""
