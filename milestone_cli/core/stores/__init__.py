"""Stores as a whole: making them (`founding`), copying one into another (`plan`, `copying`), and their `marks`."""
