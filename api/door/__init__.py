"""What holds for every request, whatever it asks for: one middleware in each module."""
