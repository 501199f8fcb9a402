"""Tests of worker.runs."""
