"""The write side: what may happen to a candidate or a job, and how it is put on record."""
