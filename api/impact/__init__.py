"""Adverse impact at the door: tables in, reports out."""
