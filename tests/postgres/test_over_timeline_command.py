"""The tests of `test_timeline_command` once more, over a store in PostgreSQL."""

from test_timeline_command import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
