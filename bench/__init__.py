"""Benchmarks: `make bench` prints a table and writes bench/results.json. Each figure is a median, or a ratio of medians,
of one run on one machine; nothing here is part of the tests."""
