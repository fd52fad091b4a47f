"""What tests share: the installed command in a clean environment, and a store of its own for each test.

In `.ci/run` the variable CI is true, and then a skipped test is a failed one, unless its reason begins with
"impossible here:". Everywhere else a skip is reported with its reason.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Generator
from pathlib import Path
from typing import Any, Protocol

import postgres_server
import pytest

from milestone_cli.storage.files.folders import Folders

BIN = Path(sys.executable).parent
MILESTONE = BIN / "milestone"
ROOT = Path(__file__).parent.parent
DROPPED = ("MILESTONE_", "CLAUDE", "PYTEST_", "GIT_")
EVERYWHERE: dict[str, str] = {}
"""What every clean environment has on top, while a module runs its tests over another store."""
IN_CI = os.environ.get("CI") == "true"


def clean_environment(home: Path, **extra: str) -> dict[str, str]:
    """This process's environment without what could steer the command: ours, a client's, git's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        kept.pop(name, None)
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC", **EVERYWHERE, **extra}


def write_anew(log: Path, lose: int) -> None:
    """Put a new file without the last lines in the place of a log, as an editor does, or a clean-up of bash."""
    new = log.with_name("new")
    new.write_text("".join(log.read_text().splitlines(keepends=True)[:-lose]))
    new.rename(log)


class Cli(Protocol):
    """Runs the installed command and hands back what it did."""

    def __call__(
        self,
        *args: str,
        input: str | bytes | None = None,  # noqa: A002 - the name subprocess uses
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        check: bool = False,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[Any]: ...


@pytest.fixture(scope="session", autouse=True)
def _forgotten_stores_are_closed() -> None:
    """A store that a test opened in this process and dropped gives its descriptors back; a command's end with it."""
    opened = Folders.__init__

    def open_(self: Folders, path: str) -> None:
        opened(self, path)
        weakref.finalize(self, _close, self._folders)

    Folders.__init__ = open_  # type: ignore[method-assign]


def _close(folders: dict[str, int]) -> None:
    while folders:
        os.close(folders.popitem()[1])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory without a store above it."""
    path = tmp_path / "home"
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture
def cli(tmp_path: Path, home: Path) -> Cli:
    """Run `milestone ARGS` in the test's directory; standard input is empty unless `input` is given.

    Output is text when `input` is text or absent, bytes when `input` is bytes. `env` is added to a clean
    environment. `check` asserts success and shows both outputs otherwise.
    """

    def run(
        *args: str,
        input: str | bytes | None = None,  # noqa: A002 - the name subprocess uses
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        check: bool = False,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[Any]:
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        done = subprocess.run(
            [str(MILESTONE), *args],
            capture_output=True,
            text=not isinstance(input, bytes),
            env=clean_environment(home, **(env or {})),
            cwd=cwd or tmp_path,
            timeout=timeout,
            check=False,
            **given,
        )
        if check:
            assert done.returncode == 0, f"milestone {args} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def store(tmp_path: Path, cli: Cli) -> Path:
    """A store in the test's directory with the milestone `demo`; the path of its `.milestones`."""
    cli("init", "demo", check=True)
    return tmp_path / ".milestones"


def _skipped_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn the report of a skip into that of a failure, unless the reason says that it is impossible here."""
    if not IN_CI or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not reason.removeprefix("Skipped: ").startswith("impossible here:"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though it could have run: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that could have run and did not has failed."""
    report = yield
    _skipped_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """And so has a module of tests."""
    report = yield
    _skipped_in_ci(report)
    return report


SHARED = "SHARED_POSTGRES"
"""Variable with the first process of a run, and the folder of the server that its workers share."""
NUMBERS = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Say where the workers of this run find their server; whoever needs it first starts it."""
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = f"{os.getpid()} {tempfile.mkdtemp(prefix='milestone-tests-postgres-')}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server, if there was one."""
    if not hasattr(config, "workerinput") and SHARED in os.environ:
        postgres_server.stop_shared(Path(os.environ.pop(SHARED).partition(" ")[2]))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the tests that run over PostgreSQL once more, leave out those that are about files."""
    from rows import leave_out

    leave_out(config, items)


@pytest.fixture(scope="session")
def postgres() -> postgres_server.Server:
    """A real PostgreSQL server, shared by this run."""
    owner, _, folder = os.environ[SHARED].partition(" ")
    return postgres_server.shared(Path(folder), int(owner))


@pytest.fixture(scope="session")
def database(postgres: postgres_server.Server) -> str:
    """A database of this worker's own."""
    name = f"tests_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    postgres.sql(f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def postgres_url(postgres: postgres_server.Server, database: str) -> str:
    """The URL of a project that is not there yet, another one for each test."""
    return postgres.local(database, f"p{next(NUMBERS)}")


@pytest.fixture
def own_database(postgres: postgres_server.Server) -> Generator[str]:
    """A database that is this test's own, and empty."""
    name = f"own_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}_{next(NUMBERS)}"
    postgres.sql(f"CREATE DATABASE {name}")
    yield name
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")
