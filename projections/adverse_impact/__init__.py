"""Adverse impact: what a selection did to the groups of people who went through it.

Not a read model: it holds no tables of its own and computes from counts. It reports numbers and the
rules that they were held against; whether there was discrimination is for people and courts to say.
"""
