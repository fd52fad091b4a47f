"""The tests of `test_lifecycle` once more, over a store in PostgreSQL."""

from test_lifecycle import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
