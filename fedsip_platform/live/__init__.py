"""What changes, told to open pages within a second."""
