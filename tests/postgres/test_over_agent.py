"""The tests of `test_agent` once more, over a store in PostgreSQL."""

from test_agent import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
