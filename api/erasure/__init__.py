"""Erasure of a person: requested, carried out, acknowledged by whoever held something, proven."""
