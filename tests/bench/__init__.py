"""Benchmarks: `python -m tests.bench [NAME]`. Each is a module with a run() that gives a Result."""
