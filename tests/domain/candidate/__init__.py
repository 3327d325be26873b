"""Decisions on a candidate, given what happened before, and the state they rest on."""
