"""Archives of a store in PostgreSQL, by the commands: out into files and back, and cleared once an archive proves."""

import json
from pathlib import Path

from conftest import Cli
from rows import Rows, everywhere, store  # noqa: F401
from test_archives import run


def test_out_of_a_database_into_files_and_back(cli: Cli, store: Rows, tmp_path: Path) -> None:  # noqa: F811
    cli("state", "save", "demo", '{"price": 1.10}', check=True)
    cli("checkpoint", "create", "demo", "--name", "kept", check=True)
    cli("task", "create", "t", "do it", check=True)
    words = ["--store", str(tmp_path / "there")]
    told = run(cli, "export", "one.tar")
    cli("store", "init", str(tmp_path / "there"), check=True)
    done = json.loads(cli(*words, "store", "import", "one.tar", "--format", "json", check=True).stdout)
    assert (done["milestones"], done["tasks"], done["checkpoints"]) == (["demo"], 1, 1)
    assert cli(*words, "state", "load", "demo", check=True).stdout == '{"price": 1.10}'
    cli(*words, "store", "export", "two.tar", check=True)
    raw = (tmp_path / "one.tar").read_bytes()
    assert raw == (tmp_path / "two.tar").read_bytes(), "the same store gives the same bytes, wherever it is"
    cleared = run(cli, "clear", "--backup", "three.tar")
    assert (cleared["cleared"], cleared["documents"]) == (True, told["documents"])
    assert (tmp_path / "three.tar").read_bytes() == raw
    assert json.loads(cli("task", "list", "--format", "json", check=True).stdout)["tasks"] == []
    again = run(cli, "import", "two.tar")
    assert (again["documents"], again["same"]) == (told["documents"], 0)
    run(cli, "export", "four.tar")
    assert (tmp_path / "four.tar").read_bytes() == raw
    assert cli("events", "verify", "--all").returncode == 0
