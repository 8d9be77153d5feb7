"""`make bench`: every benchmark, one after the other."""

from benchmarks.worker_beside_vanilla import main

main()
