"""What proves the log: who signs it, bundles, checks, and those who watch it."""
