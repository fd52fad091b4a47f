"""The tests of `test_statistics` once more, over a store in PostgreSQL."""

from test_statistics import test_the_command  # noqa: F401, I001

from rows import everywhere, store  # noqa: F401
