"""Benchmarks and the command-line way through `core`; figures go to `docs/measurements.md`."""
