"""The tests of the commands once more, over a store in PostgreSQL: the same words, the same answers.

A module here takes over all tests and fixtures of its namesake. Every command of a test means a project of its own in
the database, and the path that a test knows its store by shows rows as files: what it reads and writes there is what
the database has. `LEFT_OUT` names what is about files, with the reason.
"""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import conftest
import pytest
from conftest import Cli

from milestone_cli.storage.files import layout

if TYPE_CHECKING:
    from milestone_cli.storage.postgres import PostgresStore

BASH = "bash works beside files"
FILE = "it is about files"
DIRECT = "it opens the store of files itself"
LEASE = "a lease is no folder"
WRITTEN = "it is about what is written, not about where it came from"
LEFT_OUT: dict[str, str] = {
    "cache::test_a_disk_that_takes_nothing_is_no_failure_of_the_caller": FILE,
    "cache::test_bounds_and_tiers_are_as_configured": "the tiers are those of a machine, which are files",
    "checkpoint::test_a_checkpoint_is_a_copy_of_the_whole_envelope": FILE,
    "checkpoint::test_a_state_that_changed_after_the_plan_stays": DIRECT,
    "cleanup::test_a_dry_run_changes_nothing": FILE,
    "cleanup::test_a_person_is_asked_before_several_answers_go": "entries of the cache are damaged, which are files",
    "cleanup::test_a_writer_is_waited_for": DIRECT,
    "cleanup::test_copies_are_kept_by_the_calendar_and_by_tags": "the same plan, whatever the store",
    "cleanup::test_the_default_keeps_ten_and_seven_days": FILE,
    "cleanup::test_what_would_be_removed_is_put_away_where_that_is_asked_for": "it goes the way of `archive run`",
    "cleanup::test_what_looks_back_says_that_retention_removed_it": "the same words, whatever the store",
    "cleanup::test_what_cannot_be_read_stays_and_so_does_the_last_good_copy": FILE,
    "concurrency::test_fifty_processes_each_load_add_one_and_save": "the benchmark measures compare-and-swap",
    "config::test_a_mistake_can_be_mended_at_once_at_a_terminal": "the same code asks",
    "events_log::test_a_batch_of_any_size_has_one_sync": "the server syncs",
    "events_log::test_a_session_that_is_named_means_its_milestone": "the same rules, whatever the store",
    "events_log::test_eight_processes_at_once": DIRECT,
    "events_log::test_ids_carry_their_time_and_are_never_the_same": DIRECT,
    "handoff::test_what_is_open_is_told": FILE,
    "import::test_a_taking_in_that_ended_goes_on": DIRECT,
    "import::test_an_archive_and_a_store_of_ours": FILE,
    "import::test_tasks_and_sessions_of_a_coding_agent": "documents and events go the way of the sessions'",
    "import::test_what_is_hostile_is_left_and_named": "it is about what is read, not about where it goes",
    "lifecycle::test_a_reader_never_misses_a_milestone_that_moves": DIRECT,
    "lifecycle::test_a_save_that_waited_for_a_completion_is_refused": FILE,
    "lock::test_a_lock_that_has_another_holder_by_now_is_not_taken_from_it": LEASE,
    "lock::test_a_number_given_again_and_a_machine_started_anew_are_told": LEASE,
    "lock::test_an_owner_that_cannot_be_read_means_held": LEASE,
    "lock::test_another_hosts_lock_is_never_taken_over": "a lease of another host ends by the server's clock",
    "lock::test_bash_releases_what_its_shell_acquired": BASH,
    "lock::test_children_share_the_lock_of_a_shell_while_others_wait": "who waits for a lease is not known",
    "lock::test_killed_it_holds_no_more": "a command whose runner is gone has no lease",
    "lock::test_the_lock_says_that_it_is_from_now": LEASE,
    "lock::test_who_holds_it_keeps_everybody_else_out": BASH,
    "metrics::test_how_long_changes_took_is_told_by_their_events": "its two times are of two clocks there",
    "metrics::test_a_long_wait_is_noted_and_a_short_one_is_not": "waits are noted in files only",
    "metrics::test_every_threshold_has_its_alert": DIRECT,
    "metrics::test_failures_are_noted_and_told_by_doctor": FILE,
    "metrics::test_prometheus_reads_every_figure": FILE,
    "metrics::test_saves_of_a_day_are_counted_from_the_logs": DIRECT,
    "metrics::test_what_is_kept_is_bounded_whole_and_needs_nobody": DIRECT,
    "session::test_the_branch_is_read_from_its_files": DIRECT,
    "session_work::test_git_is_touched_on_request_alone_and_never_over_a_dirty_tree": "it is about git",
    "session_work::test_without_any_milestone_a_session_needs_none": "the same code reads any store",
    "state::test_a_thousand_keys_are_remembered_and_no_more": "the database remembers all of them",
    "state::test_files_are_their_owners_alone_whatever_the_umask": FILE,
    "state::test_the_store_is_found_from_below_and_by_name": FILE,
    "timeline_command::test_a_file_of_before_is_replaced_and_nothing_else_is": WRITTEN,
    "timeline_command::test_a_reader_that_leaves_early_is_no_failure_of_a_form": WRITTEN,
    "timeline_command::test_many_milestones_side_by_side_need_few_open_files": FILE,
    "timeline_command::test_what_cannot_be_written_leaves_the_file_of_before": WRITTEN,
    "transaction::test_a_link_in_the_place_of_a_record_is_not_followed": FILE,
    "undo::test_a_change_of_bash_is_undone_like_any_other": BASH,
    "undo::test_a_revision_that_the_log_has_lost_is_named": "a log in the database is only ever appended to",
    "undo::test_a_short_history_of_a_long_log_reads_its_end_only": DIRECT,
    "undo::test_completing_does_not_stand_between_a_change_and_its_undo": DIRECT,
}


class Rows:
    """A store in a database as a path: documents and logs are read and written as if they were files.

    Attributes:
        parent: the directory in which commands run, above the store itself.
    """

    def __init__(self, store: "PostgresStore", folder: Path, path: str = "") -> None:
        self.store = store
        self.folder = folder
        self.path = path

    def __truediv__(self, more: str) -> "Rows":
        return Rows(self.store, self.folder, str(PurePosixPath(self.path) / more).removeprefix("./"))

    def __str__(self) -> str:
        return f"{self.folder}/.milestones" + (f"/{self.path}" if self.path else "")

    @property
    def parent(self) -> "Path | Rows":
        return Rows(self.store, self.folder, str(PurePosixPath(self.path).parent)) if self.path else self.folder

    @property
    def name(self) -> str:
        return PurePosixPath(self.path or ".milestones").name

    @property
    def parts(self) -> tuple[str, ...]:
        return PurePosixPath(self.path).parts

    @property
    def stem(self) -> str:
        return PurePosixPath(self.path).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix

    def with_suffix(self, suffix: str) -> "Rows":
        return Rows(self.store, self.folder, str(PurePosixPath(self.path).with_suffix(suffix)))

    def with_name(self, name: str) -> "Rows":
        return Rows(self.store, self.folder, str(PurePosixPath(self.path).with_name(name)))

    def relative_to(self, other: "Rows") -> PurePosixPath:
        return PurePosixPath(self.path).relative_to(other.path or ".")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """There are no folders to make."""

    def age(self, days: float = 30) -> "Rows":
        """Make a document look as old as that."""
        found = self.place()
        assert found is not None
        moment = time.time_ns() - int(days * 86_400_000_000_000)
        self.store.ask(
            "UPDATE milestone.document SET written = $4 WHERE project = $1 AND kind = $2 AND key = $3",
            self.store.project, found[0], self.store.place(*found), moment,
        )  # fmt: skip
        return self

    def __lt__(self, other: "Rows") -> bool:
        return self.path < other.path

    def place(self) -> tuple[str, str] | None:
        """Kind and key of the document that the path means; `log` for a log; None for anything else."""
        folder, _, name = self.path.rpartition("/")
        if folder == layout.EVENTS and name.startswith("milestone-") and name.endswith(".jsonl"):
            return "log", name[10:-6]
        for kind, shape in layout.NESTED.items():
            pattern = re.escape(layout.SHAPES[kind][0]) + "/([^/]+)" + re.escape(shape).replace(r"\*", "([^/]+)")
            if inside := re.fullmatch(pattern, self.path):
                return kind, "/".join(inside.groups())
        for kind in layout.SHAPES:
            if layout.SHAPES[kind][0] == folder and (found := layout.keys(kind, [name])):
                return kind, found[0]
        return ("quarantine", name) if folder == layout.QUARANTINE else None

    def _raw(self) -> bytes | None:
        found = self.place()
        if found is None:
            return None
        if found[0] == "log":
            size = self.store.log_size(found[1])
            return b"".join(block for _, block in self.store.scan(found[1])) if size[1] else None
        return self.store.get(*found)

    def read_bytes(self) -> bytes:
        raw = self._raw()
        if raw is None:
            raise FileNotFoundError(str(self))
        return raw

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def write_bytes(self, data: bytes) -> None:
        found = self.place()
        assert found is not None
        assert found[0] != "log", "a log in the database is only ever appended to"
        self.store.ask(
            "SELECT milestone.put($1, $2, $3, $4)", self.store.project, found[0], self.store.place(*found), data
        )

    def write_text(self, text: str) -> None:
        self.write_bytes(text.encode())

    def unlink(self, missing_ok: bool = False) -> None:
        found = self.place()
        if not missing_ok:
            self.read_bytes()
        assert found is not None
        self.store.ask(
            "DELETE FROM milestone.document WHERE project = $1 AND kind = $2 AND key = $3",
            self.store.project, found[0], self.store.place(*found),
        )  # fmt: skip

    def exists(self) -> bool:
        return self._raw() is not None or any(self._all())

    is_file = exists

    def _all(self) -> Iterator["Rows"]:
        """Every document and log below."""
        root = Rows(self.store, self.folder)
        names = [layout.place(kind, key) for kind in layout.SHAPES for key in self.store.keys(kind)]
        names += [(layout.QUARANTINE, key) for key in self.store.keys("quarantine")]
        names += [
            (layout.EVENTS, layout.log_file(name)) for name in self.store.milestones() if self.store.log_size(name)[1]
        ]
        for path in sorted({"/".join(name) for name in names}):
            if path.startswith(self.path + "/" if self.path else ""):
                yield root / path

    def rglob(self, pattern: str) -> Iterator["Rows"]:
        return (one for one in self._all() if PurePosixPath(one.path).match(pattern))

    def glob(self, pattern: str) -> Iterator["Rows"]:
        return (one for one in self.rglob(pattern) if str(PurePosixPath(one.path).parent) == self.path)

    def iterdir(self) -> Iterator["Rows"]:
        return self.glob("*")


@pytest.fixture(autouse=True)
def everywhere(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every command of a test means the project in the database."""
    if "test_cleanup" in sys.modules:
        monkeypatch.setattr(sys.modules["test_cleanup"], "age", Rows.age)
    conftest.EVERYWHERE["MILESTONE_STORE"] = postgres_url
    yield
    conftest.EVERYWHERE.clear()


@pytest.fixture
def store(tmp_path: Path, cli: Cli, postgres_url: str) -> Rows:
    """A store with the milestone `demo`, as the tests of files have it."""
    from milestone_cli.storage.postgres import PostgresStore

    cli("init", "demo", check=True)
    return Rows(PostgresStore(postgres_url), tmp_path)


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the tests out of a run that are about files, among those that run over PostgreSQL."""
    left = []
    for item in items:
        if item.path.stem.startswith("test_over_"):
            name = f"{item.path.stem.removeprefix('test_over_')}::{getattr(item, 'originalname', item.name)}"
            used = getattr(item, "fixturenames", ())
            if name in LEFT_OUT or "bash" in used or not {"cli", "store"} & {*used} - {"everywhere"}:
                left.append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
