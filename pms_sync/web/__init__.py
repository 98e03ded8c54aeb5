"""Pages and probes, rendered on the server; the composition root needs `routes` alone."""
