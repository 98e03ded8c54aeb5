"""The measurements of `make bench`: acknowledgements, apply, backfill, a peer beside it, and memory, in one run."""
