"""The tests of `test_task_claims` once more, over a store in PostgreSQL."""

from test_task_claims import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
