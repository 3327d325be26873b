"""The door: HTTP and command line on the same domain and read models."""
