"""The tests of `test_transaction` once more, over a store in PostgreSQL."""

from test_transaction import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
