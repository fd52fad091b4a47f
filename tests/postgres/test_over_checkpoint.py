"""The tests of `test_checkpoint` once more, over a store in PostgreSQL."""

from test_checkpoint import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
