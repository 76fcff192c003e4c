"""The benchmark: `make bench`. How it is measured stands at the top of docs/performance.md."""
