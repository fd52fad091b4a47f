"""The tests of `test_import` once more, over a store in PostgreSQL."""

from test_import import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
