"""The tests of `test_lock` once more, over a store in PostgreSQL."""

from test_lock import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
