"""Tests of worker.alerts.channels."""
