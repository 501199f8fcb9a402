"""Tests of worker.store.repositories."""
