"""Snapshots: tasks, sessions and their figures in one document that another store can take in.

The documents themselves are the truth; a snapshot is what they were at one moment, behind the store's gate, where
nobody changes them. So it is never needed to go on, and from it comes back what was lost.
"""
