"""At home in the client: its settings, its slash commands and its plugins, where we put things in and take them out.

The invariant: no byte that somebody else wrote is changed, and what was put in can be taken out again, exactly.
"""
