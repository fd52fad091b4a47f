"""The tests of `test_snapshot` once more, over a store in PostgreSQL, as far as it is about the store."""

from test_snapshot import (  # noqa: F401, I001
    test_it_is_found_again_step_by_step,
    test_it_is_of_one_moment_whoever_writes,
    test_it_is_saved_on_change_and_once_more_at_the_end,
    test_what_cannot_be_written_is_kept_elsewhere_and_told,
    watching,
    work,
)

from rows import everywhere, store  # noqa: F401
