"""Reconcile: both sides compared object by object, what differs healed by reading it again, equality proven."""
