"""A whole store in one file: writing it while others work, reading it as one side of a copy, and clearing a store."""
