"""The tests of `test_undo` once more, over a store in PostgreSQL."""

from test_undo import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
