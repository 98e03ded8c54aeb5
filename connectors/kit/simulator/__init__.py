"""The vendor-neutral half of every simulator: control plane, faults, call log, clock and webhook sender."""
