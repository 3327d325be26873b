"""What compliance officers hand out: the register, replays, bundles of a person's own data."""
