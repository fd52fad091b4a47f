"""Some of the tests of `test_api` once more, over a store in PostgreSQL."""

import os
from collections.abc import Iterator

import pytest
from conftest import EVERYWHERE
from rows import everywhere, store  # noqa: F401
from test_api import (  # noqa: F401
    test_states_and_events,
    test_threads_and_processes_at_once_lose_nothing,
)

from milestone_cli import Store


@pytest.fixture
def program(store: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:  # noqa: F811
    """A program that uses the database, in an environment that says nothing of clients."""
    for name in [name for name in os.environ if name.startswith(("MILESTONE_", "CLAUDE"))]:
        monkeypatch.delenv(name)
    for name, value in EVERYWHERE.items():
        monkeypatch.setenv(name, value)
    with Store() as found:
        yield found
