"""The tests of `test_state` once more, over a store in PostgreSQL."""

from test_state import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
