"""The tests of `test_config` once more, over a store in PostgreSQL."""

from test_config import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
