"""Tests of worker.operations."""
