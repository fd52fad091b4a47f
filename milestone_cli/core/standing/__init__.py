"""How the work stands, at four lengths: a line a milestone, a screen, a packet for whoever goes on, a row.

`overview` has the lines, `status` the screen, `facts` and `handoff` the packet, `statusline` the row; `words` says by
which keys a state tells of the work, which is the same for all of them.
"""
