"""A store in PostgreSQL against the model of dictionaries, in any order of steps; see `faults/test_machines.py`."""

import itertools
import sys
from pathlib import Path

import pytest
from postgres_server import Server

sys.path.insert(0, str(Path(__file__).parent.parent / "faults"))

from test_machines import Machine, explore

from milestone_cli.storage.postgres import PostgresStore

NUMBERS = itertools.count(1)


class Postgres(Machine):
    """The store in PostgreSQL; each run has a project of its own."""

    url = ""

    def make(self) -> PostgresStore:  # type: ignore[override]
        quick = "?options=-c%20synchronous_commit%3Doff"  # what is tried here is not the disk
        made = PostgresStore(f"{self.url}{quick}#machine{next(NUMBERS)}", is_new=True)
        made.initialise(None)
        return made


def test_some_steps_over_postgres(postgres: Server, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Postgres, "url", postgres.local(database))
    explore(Postgres, 8, 25)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_steps_over_postgres(postgres: Server, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Postgres, "url", postgres.local(database))
    explore(Postgres, 300, 60)
