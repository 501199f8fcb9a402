"""Tests of worker.config."""
