"""History from and to elsewhere: event logs in XES, and our own newline-delimited JSON."""
