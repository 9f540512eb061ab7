"""`python -m bench`, which is `make bench`: the table of `bench.speed`, written to `bench/results.json`."""

from bench.speed import main

main()
