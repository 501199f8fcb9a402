"""Tests of worker.simulation."""
