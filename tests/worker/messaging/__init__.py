"""Tests of worker.messaging."""
