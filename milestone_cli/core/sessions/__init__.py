"""Sessions: beginning and ending them, what is kept in them, their checkpoints, and going on from one.

Read `session`, `creating` and `ending` first, then `capture`, `recovery_plan` and `recovery`.
"""
