"""Push: planned changes leave for their vendors, and are not done before they were seen there."""
