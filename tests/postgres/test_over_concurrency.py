"""The tests of `test_concurrency` once more, over a store in PostgreSQL."""

from test_concurrency import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
