"""What is done with a milestone's state beside saving and reading it, which is hot and stands in `core/state.py`.

Read `revisions` first, which tells what was done, then `undo`, `lifecycle` and `recover`, which change where a state
stands; `patch` and `jsonpatch` change its text by way of `tree`, and `compare` says what differs.
"""
