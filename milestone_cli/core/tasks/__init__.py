"""Tasks: what is to be done, in which order, who has claimed what, and how it went.

Read `task` first, then `changes`, which changes one, `claims`, which says who has one, and `claiming`.
"""
