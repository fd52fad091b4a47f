"""The tests of `test_cleanup` once more, over a store in PostgreSQL."""

from test_cleanup import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
