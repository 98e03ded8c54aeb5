"""One guarded vendor call: retry around budget around breaker around timeout."""
