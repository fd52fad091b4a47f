"""Archives of whole stores: exact whoever writes, proved before anything is taken out, and made before a clearing."""

import gzip
import io
import json
import os
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Cli
from test_store_copy import contents

from milestone_cli.core.exports import clearing
from milestone_cli.core.exports.archive import Archive
from milestone_cli.core.exports.exporting import export, packed
from milestone_cli.core.stores import copying
from milestone_cli.errors import MilestoneError
from milestone_cli.render.schemas import schema
from milestone_cli.runtime import child
from milestone_cli.storage import open_store
from milestone_cli.storage.sides import open_side


def run(cli: Cli, *words: str, code: int = 0) -> dict[str, Any]:
    """Run a command of the group; its JSON output, or its JSON error."""
    done = cli("store", *words, "--format", "json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stderr if code not in (0, 6) else done.stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


def take_in(archive: Path, target: str) -> None:
    """Import it; the copy proves itself byte for byte."""
    with closing(Archive(str(archive))) as source_:
        copying.run(source_, open_side(target, is_new=True))


def put_out(name: str, path: Path) -> Path:
    """Export a store."""
    with closing(export(open_side(name))) as found:
        write(str(path), found.pieces())
    return path


def write(path: str, pieces: Iterator[bytes]) -> None:
    Path(path).write_bytes(b"".join(pieces))


@pytest.fixture
def source(store: Path, cli: Cli) -> Path:
    """A store with documents of many kinds, two logs, and lines that are not ours."""
    cli("state", "save", "demo", '{"price": 1.10, "big": 1180591620717411303424, "é": "\\u0000"}', check=True)
    cli("state", "set", "demo", "n=1", "--idempotency-key", "once", check=True)
    cli("checkpoint", "create", "demo", "--name", "kept", check=True)
    cli("session", "create", "--no-milestone", "--name", "talk", check=True)
    with (store / "state/events/milestone-demo.jsonl").open("ab") as log:
        log.write(b"\xff\xfe no text \x00\n\n")
    (store / "config.yaml").write_text("# kept\nlock_timeout: 7\n")
    return store


def test_out_and_in_again_every_byte_is_the_same(source: Path, cli: Cli, postgres_url: str, tmp_path: Path) -> None:
    told = run(cli, "export", "one.tar")
    assert (told["logs"], told["store"]) == (2, str(source))
    run(cli, "export", "two.tar", "--yes")
    raw = (tmp_path / "one.tar").read_bytes()
    assert raw == (tmp_path / "two.tar").read_bytes(), "the same store gives the same bytes"
    run(cli, "export", "three.tar.gz")
    assert gzip.decompress((tmp_path / "three.tar.gz").read_bytes()) == raw
    assert subprocess.run(["tar", "tf", tmp_path / "one.tar"], check=True, capture_output=True).stdout
    take_in(tmp_path / "three.tar.gz", str(tmp_path / "there"))
    assert contents(str(tmp_path / "there")) == contents(str(source))
    there = {"MILESTONE_STORE": str(tmp_path / "there/.milestones")}
    again = cli("state", "set", "demo", "n=1", "--idempotency-key", "once", "--format", "json", env=there, check=True)
    assert json.loads(again.stdout)["replayed"], "keys go along"
    take_in(tmp_path / "one.tar", postgres_url)
    assert contents(postgres_url) == contents(str(source))
    assert put_out(postgres_url, tmp_path / "four.tar").read_bytes() == raw, "and so does the same in a database"
    assert run(cli, "export", str(source / "inside.tar"), code=2)["code"] == "usage"
    assert run(cli, "export", "five.tar", "--dry-run")["documents"] == told["documents"]
    assert not (tmp_path / "five.tar").exists()


def changed(archive: Path, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """An archive with another manifest."""
    out = io.BytesIO()
    with tarfile.open(archive) as old, tarfile.open(fileobj=out, mode="w") as new:
        for info in old:
            data = old.extractfile(info).read()  # type: ignore[union-attr]
            if info.name == "manifest.json":
                manifest = json.loads(data)
                edit(manifest)
                data = json.dumps(manifest).encode()
            info.size = len(data)
            new.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _elsewhere(manifest: dict[str, Any]) -> None:
    manifest["documents"][0]["path"] = "documents/../../../etc/passwd"


def _outside(manifest: dict[str, Any]) -> None:
    manifest["documents"][0]["key"] = "../../x"


def _newer(manifest: dict[str, Any]) -> None:
    manifest["version"] = 2


def _unnamed(manifest: dict[str, Any]) -> None:
    del manifest["documents"][0]


def _headless(manifest: dict[str, Any]) -> None:
    manifest["logs"][0]["head"]["sequence"] = "1"


def test_an_archive_that_lies_or_is_damaged_or_cut_anywhere_is_refused(store: Path, tmp_path: Path, cli: Cli) -> None:
    cli("state", "save", "demo", '{"a": "' + "b" * 700 + '"}', check=True)
    put_out(str(store), tmp_path / "good.tar")
    for edit in (_elsewhere, _outside, _newer, _unnamed, _headless):
        (tmp_path / "bad.tar").write_bytes(changed(tmp_path / "good.tar", edit))
        with pytest.raises(MilestoneError) as refused:
            Archive(str(tmp_path / "bad.tar"))
        assert refused.value.code == ("newer_format" if edit is _newer else "damaged"), edit.__name__
    raw = (tmp_path / "good.tar").read_bytes()
    Archive(str(tmp_path / "good.tar")).close()
    end = raw.rindex(b"manifest.json")
    text = raw.index(b"b" * 700)
    for at in (0, 1, 512, text, text + 690, end + 600):
        (tmp_path / "bad.tar").write_bytes(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])
        with pytest.raises(MilestoneError) as refused:
            Archive(str(tmp_path / "bad.tar"))
        assert refused.value.code in ("damaged", "newer_format"), at
    for size in (0, 1, 511, 512, text, end, end + 700):
        (tmp_path / "bad.tar").write_bytes(raw[:size])
        with pytest.raises(MilestoneError) as refused:
            Archive(str(tmp_path / "bad.tar"))
        assert refused.value.code == "damaged", size
    packed_ = b"".join(packed(iter([raw]), "x.tgz"))
    (tmp_path / "bad.tgz").write_bytes(packed_[:-9])
    with pytest.raises(MilestoneError, match="cannot be imported"):
        Archive(str(tmp_path / "bad.tgz"))


def wait_for_more(name: str, than: int) -> None:
    """Wait until the log of demo has more events than so many."""
    until, mine = time.monotonic() + 60, open_store(name)
    while getattr(mine.head("demo"), "sequence", 0) <= than:
        assert time.monotonic() < until, "nobody writes"
        time.sleep(0.01)


@pytest.mark.parametrize("kind", ["files", "postgres"])
def test_it_is_of_one_moment_whoever_writes(
    kind: str, store: Path, cli: Cli, postgres_url: str, tmp_path: Path
) -> None:
    name = str(store) if kind == "files" else postgres_url
    if kind == "postgres":
        copying.run(open_side(str(store)), open_side(name, is_new=True))

    def work() -> None:
        from milestone_cli.core import commit, draft
        from milestone_cli.model import Change, Draft

        mine = open_store(name)
        for number in range(5000):
            commit(mine, "demo", draft(mine, "state_saved"), lambda _, n=number: b'{"n": %d}' % n, ())  # type: ignore[misc]
            mine.commit(Change("demo", [Draft("tick", "{}", "no-session", "system")]))

    writer = child(work)
    try:
        revisions: set[int] = set()
        for number in range(3):
            wait_for_more(name, max(revisions, default=0))
            path = tmp_path / f"{number}.tar"
            cli("store", "export", str(path), name, check=True)  # a process that is not the writer's parent
            target = str(tmp_path / f"there{number}")
            take_in(path, target)
            assert copying.verify(open_side(target)) == []
            there = open_store(f"{target}/.milestones")
            head = there.head("demo")
            assert head is not None
            if head.revision:
                document = there.read("demo")
                assert (document.revision, document.sha256, document.outside) == (head.revision, head.state, False)
            revisions.add(head.sequence)
        assert len(revisions) == 3
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)


@pytest.mark.parametrize("kind", ["files", "postgres"])
def test_a_store_is_cleared_once_all_of_it_is_safe(
    kind: str, store: Path, cli: Cli, postgres_url: str, tmp_path: Path
) -> None:
    name = str(store) if kind == "files" else postgres_url
    cli("state", "save", "demo", '{"a": 1}', check=True)
    cli("session", "create", "--no-milestone", "--name", "talk", check=True)
    (store / "config.yaml").write_text("# kept\nlock_timeout: 7\n")
    if kind == "postgres":
        copying.run(open_side(str(store)), open_side(name, is_new=True))
    before = contents(name)
    plan = run(cli, "clear", name, "--dry-run")
    assert plan["refused"]
    assert not plan["cleared"]
    refused = run(cli, "clear", name, code=4)
    assert refused["code"] == "conflict"
    assert contents(name) == before
    done = run(cli, "clear", name, "--force", "--backup", "kept.tar")
    assert (done["cleared"], done["backup"], done["logs"]) == (True, str(tmp_path / "kept.tar"), 2)
    assert [*contents(name)[0]] == ["config/"], "settings stay"
    assert contents(name)[1] == {}
    if kind == "files":
        left = [path for path in (store / "state").rglob("*") if ".locks" not in path.parts and path.is_file()]
        assert left == []
        assert [path.name for path in (store / "state/sessions").iterdir()] == []
    assert not run(cli, "clear", name)["cleared"], "there is nothing left to do"
    take_in(tmp_path / "kept.tar", name)
    assert contents(name) == before


@pytest.mark.parametrize(
    ("moment", "kind"),
    [
        ("writing", "files"),
        ("dropping", "files"),
        ("putting", "files"),
        ("putting", "postgres"),
        pytest.param("writing", "postgres", marks=pytest.mark.slow),
        pytest.param("dropping", "postgres", marks=pytest.mark.slow),
    ],
)
def test_killed_in_the_middle_it_is_all_or_nothing(
    moment: str, kind: str, store: Path, cli: Cli, postgres_url: str, tmp_path: Path
) -> None:
    cli("state", "save", "demo", '{"a": 1}', check=True)
    name = str(store) if kind == "files" else postgres_url
    if kind == "postgres":
        copying.run(open_side(str(store)), open_side(name, is_new=True))
    before = contents(name)
    backup = str(tmp_path / "kept.tar")

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        side = open_side(name)
        if moment == "dropping":
            setattr(side, "drop", die)  # noqa: B010 - mypy knows them as methods
        elif moment == "putting":
            setattr(side, "put", die)  # noqa: B010
        clearing.clear(side, backup, die if moment == "writing" else write)

    pid = child(work)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    words = {"env": {"MILESTONE_STORE": name}}
    assert cli("state", "set", "demo", "b=1", **words).returncode == 8, "frozen: nobody writes into half a store"  # type: ignore[arg-type]
    if moment == "writing":
        assert contents(name) == before
    done = run(cli, "clear", name, "--backup", str(tmp_path / "again.tar"))
    assert (done["cleared"], done["resumed"]) == (True, moment != "writing")
    assert contents(name) == ({}, {})
    take_in(Path(done["backup"]), name)
    assert contents(name) == before


def test_without_room_for_the_archive_nothing_is_removed(store: Path, cli: Cli) -> None:
    before = contents(str(store))
    refused = run(cli, "clear", "--backup", "/dev/full", code=2)
    assert "not an ordinary file" in refused["message"]
    assert contents(str(store)) == before
    assert open_side(str(store)).frozen is None
