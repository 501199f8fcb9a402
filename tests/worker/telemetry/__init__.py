"""Tests of worker.telemetry."""
