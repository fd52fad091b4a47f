"""Sessions: beginning and ending them, what is kept in them, their checkpoints, and going on from one.

Read `session` and `sessioning` first, then `checkpointing` and `resume`.
"""
