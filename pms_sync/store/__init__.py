"""The only home of SQL: every query of the daemon lives here, set-based and parametrised."""
