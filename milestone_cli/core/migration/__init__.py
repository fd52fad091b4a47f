"""Whole stores from one format to another, and from other programs' folders into one of ours.

`migrate` is about a store's own format; the importers read what others wrote, each in a module, and `intake` takes in
what they found.
"""
