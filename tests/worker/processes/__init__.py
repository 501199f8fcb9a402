"""Tests of worker.processes."""
