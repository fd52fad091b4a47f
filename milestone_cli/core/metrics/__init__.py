"""What a store can be watched by: figures (`declared`), gathered now (`collect`), and times that are tried (`probe`).

Nothing here is written down by commands that go well: figures come from what the store keeps anyway, from failures and
long waits that were noted when they happened (`storage.measures`), and from probes that somebody asked for.
"""
