"""A whole store in one file, its export: written while others work, read as one side of a copy; clearing a store."""
