"""The tests of `test_watch` once more, over a store in PostgreSQL."""

from test_watch import (  # noqa: F401, I001
    scene,
    terminal,
    test_in_a_pipe_it_is_one_snapshot,
    test_it_shows_what_changes_fits_a_new_size_and_ends_by_a_key,
)

from rows import everywhere, store  # noqa: F401
