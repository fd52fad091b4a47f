"""The tests of `test_coldstore` once more, over a store in PostgreSQL."""

from test_coldstore import (  # noqa: F401, I001
    test_what_is_completed_goes_and_comes_back_as_it_was,
    work,
)

from rows import everywhere, store  # noqa: F401
