"""The durable truth: what cannot be rebuilt, as numbered SQL files and their runner."""
