"""The tests of `test_cleanup` once more, over a store in PostgreSQL."""

from test_cleanup import *  # noqa: F403, I001
from conftest import Cli
from test_cleanup import run

from rows import Rows, everywhere, store  # noqa: F401


def test_a_server_compresses_by_itself(cli: Cli, store: Rows) -> None:  # noqa: F811
    cli("session", "create", "demo", "--name", "day", "--backup-retention", "0", check=True)
    cli("checkpoint", "create", "--session", "day", check=True)
    found = run(cli, "optimize", "--yes", "--older-than", "0", "--keep-last", "1")
    assert (found["server_compresses"], found["files_optimized"], found["old_checkpoints_removed"]) == (True, 0, 1)
    assert "old_checkpoints_removed: 1" in (store / "reports/optimization_report.yaml").read_text()
