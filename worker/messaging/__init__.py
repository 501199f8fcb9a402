"""The messages between processes. Only this package imports Celery."""
