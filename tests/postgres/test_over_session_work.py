"""The tests of `test_session_work` once more, over a store in PostgreSQL."""

from test_session_work import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
