"""Tests of worker.demo."""
