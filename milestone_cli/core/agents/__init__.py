"""Agents: who takes part, whether they live and what tells so, the dead, and synchronisation points.

Read `agent` and `vitals` first, then `agenting` and `syncing`.
"""
