"""The tests of `test_session` once more, over a store in PostgreSQL."""

from test_session import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
