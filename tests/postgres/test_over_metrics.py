"""The tests of `test_metrics` once more, over a store in PostgreSQL."""

from test_metrics import *  # noqa: F403, I001

from rows import everywhere, store  # noqa: F401
