"""Tests of worker.inventory."""
