"""Tests of worker.demo.simulation."""
