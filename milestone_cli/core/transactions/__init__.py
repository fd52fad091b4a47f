"""Transactions of several changes: read as lines, tried on a staged store, done whole, and taken back."""
