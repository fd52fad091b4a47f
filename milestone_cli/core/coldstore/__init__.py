"""Completed work that is put away: compressed, out of the way of what is at work, and readable as it was."""
