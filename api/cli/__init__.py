"""The command line: the same door for people."""
