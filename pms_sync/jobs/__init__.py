"""Jobs: what the daemon does at intervals; it receives callables and knows nothing of their meaning."""
