"""What vendors' records mean: one package of tables and pure functions per vendor."""
