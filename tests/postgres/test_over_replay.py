"""The tests of `events replay` as a command once more, over a store in PostgreSQL."""

from rows import everywhere, store  # noqa: F401
from test_events_replay import (  # noqa: F401
    test_a_range_is_shown_with_what_changed_and_in_every_form,
    test_what_cannot_be_replayed_is_said,
)
