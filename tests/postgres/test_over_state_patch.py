"""The tests of `test_state_patch` once more, over a store in PostgreSQL."""

from test_state_patch import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
