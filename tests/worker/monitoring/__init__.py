"""Tests of worker.monitoring."""
