"""Apply: one transaction per batch that turns mapped records into the store's truth."""
