"""Some of the tests of `test_cache_run` once more, over a store in PostgreSQL: what other machines have to do with."""

from rows import everywhere, store  # noqa: F401
from test_cache_run import (  # noqa: F401
    runner,
    test_two_at_once_run_it_once_and_the_second_takes_over_from_the_dead,
    test_why_it_runs_is_said,
)
