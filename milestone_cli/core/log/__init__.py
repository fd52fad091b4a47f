"""Event logs: finding places and events in them, following them, proving, mending and replaying them.

Read `streams`, `lines` and `cursor` first (where things stand), then `query` and `follow`, then `chain`, `verify` and
`repair`.
"""
