"""A test of `test_task` once more, over a store in PostgreSQL; the others ask what the same code does anywhere."""

from test_task import tasks, test_what_waits_is_not_ready_and_nothing_waits_for_itself  # noqa: F401, I001

from rows import everywhere, store  # noqa: F401
