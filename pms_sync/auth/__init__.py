"""People, roles, sessions and tokens: who somebody is, proved, and what they may do."""
