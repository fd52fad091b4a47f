"""The tests of `test_cache` once more, over a store in PostgreSQL."""

from test_cache import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
