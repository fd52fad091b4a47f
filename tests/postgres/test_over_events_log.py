"""The tests of `test_events_log` once more, over a store in PostgreSQL."""

from test_events_log import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
