"""Agents: who takes part, whether they live and what tells so, the dead, and synchronisation points.

Read `agent` and `vitals` first, then `registry`, `syncpoint` and `sync`.
"""
