"""Events, logs and metrics of one process. Only this package imports structlog."""
