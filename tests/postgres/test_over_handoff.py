"""The tests of `test_handoff` once more, over a store in PostgreSQL."""

from test_handoff import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
