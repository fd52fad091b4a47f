"""Optimising through the command: what is compressed, shared and removed, what is left, and that all of it is read."""

import gzip
import hashlib
import json
import random
import time
from pathlib import Path

from conftest import Cli
from ruamel.yaml import YAML
from test_cleanup import DAY, age, files, run


def contents(store: Path) -> dict[str, bytes]:
    """Every file below the state, the tasks and the transactions, uncompressed."""
    found = {}
    for folder in ("state", "transactions", "tasks"):
        for path in (store / folder).rglob("*"):
            if path.is_file() and path.name != "optimization_report.yaml":
                raw = path.read_bytes()
                found[str(path.relative_to(store))] = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    return found


def share(store: Path, session: str, text: str) -> Path:
    """Let a checkpoint of a session keep one more part, which another one keeps too; its file."""
    name = hashlib.sha256(text.encode()).hexdigest()
    path = store / f"state/sessions/{session}/recovery/{name}.json"
    path.write_text(text)
    document = store / f"state/sessions/{session}/checkpoints/one/checkpoint.yaml"
    info = json.loads(document.read_text())
    info["parts"].append({"kind": "other", "key": "both", "sha256": name, "bytes": len(text)})
    document.write_text(json.dumps(info, indent=2))
    return path


def test_what_is_old_and_large_is_compressed_and_read_as_if_it_were_not(cli: Cli, store: Path) -> None:
    padding = "".join(f"word {number} " for number in range(2000))
    for number in range(14):
        cli("state", "save", "demo", json.dumps({"n": number, "pad": padding}), check=True)
    cli("checkpoint", "create", "demo", "--name", "kept", check=True)
    for name in ("a", "b"):
        context = json.dumps({"pad": padding})
        cli("session", "create", "demo", "--name", name, "--context", context, "--backup-retention", "0", check=True)
        cli(
            "agent", "register", f"agent-{name}", "--session", name, "--state", json.dumps({"pad": padding}), check=True
        )
        cli("checkpoint", "create", "--session", name, "--name", "one", check=True)
    shared = json.dumps({"pad": padding})
    same = [share(store, name, shared) for name in ("a", "b")]
    noise = store / "transactions/committed/txn-noise.yaml"
    letters = [chr(code) for code in range(33, 127) if chr(code) not in '"\\']
    noise.write_text('{"pad": "' + "".join(random.Random(0).choices(letters, k=9000)) + '"}')
    noise.chmod(0o600)
    plain = set((store / "state/backups").iterdir())
    for path in [*(store / "state").rglob("*"), *(store / "transactions/committed").iterdir()]:
        if path.is_file() and path.parent.name != ".locks" and "events" not in path.parts:
            age(path)
    backups = [path for path in plain if "checkpoint" not in path.name]
    newest = sorted(backups, key=lambda path: path.stat().st_mtime_ns)[-10:]
    before, shown = contents(store), files(store)
    planned = json.loads(cli("cleanup", "optimize", "--dry-run", "--format", "json", check=True).stdout)
    assert (contents(store), files(store), planned["dry_run"]) == (before, shown, True)
    done = run(cli, "optimize", "--yes")
    assert [done[key] for key in planned if "bytes" in key or "files" in key] == [
        planned[key] for key in planned if "bytes" in key or "files" in key
    ]
    removed = {name for name in before if name not in contents(store)}
    assert {name.rpartition("/")[0] for name in removed} == {
        f"state/sessions/{name}/checkpoints/initialization" for name in ("a", "b")
    } or not removed
    assert {name: raw for name, raw in contents(store).items() if name in before} == {
        name: raw for name, raw in before.items() if name not in removed
    }
    packed = {path for path in store.rglob("*") if path.is_file() and path.read_bytes()[:2] == b"\x1f\x8b"}
    assert {path.parent.name for path in packed} >= {"backups", "committed", "recovery"}
    assert not packed & {*newest, noise, store / "state/backups/demo-checkpoint-kept.json"}
    assert all(path.stat().st_mtime < time.time() - 29 * DAY for path in packed)
    assert same[0].stat().st_ino == same[1].stat().st_ino
    assert done["files_shared"] == 1
    gone = sum(len(before[name]) for name in removed)
    sizes = sum(path.stat().st_size for path in packed) - same[0].stat().st_size
    assert (
        done["bytes_before"] - done["bytes_after"] + done["shared_bytes"] + done["removed_bytes"]
        == done["space_saved_bytes"]
    )
    assert done["removed_bytes"] == gone
    assert done["bytes_after"] == sizes + same[0].stat().st_size
    report = YAML(typ="safe").load((store / "reports/optimization_report.yaml").read_text())
    assert report["results"]["space_saved_bytes"] == done["space_saved_bytes"]
    assert report["optimization"]["session_id"] is None
    of_session = YAML(typ="safe").load((store / "state/sessions/a/optimization_report.yaml").read_text())
    assert (of_session["optimization"]["session_id"], of_session["results"]["files_optimized"] > 0) == ("a", True)
    old = min(path.stem for path in packed if path.parent.name == "backups")
    assert cli("state", "recover", "demo", "--from", old, "--dry-run").returncode == 0
    assert cli("session", "recover", "a", "--from", "one", "--force").returncode == 0
    assert run(cli, "optimize", "--yes")["files_optimized"] == 0
    cli("doctor", check=True)
    cli("store", "copy", str(store), str(store.parent / "copy/.milestones"), check=True)
    assert not [path for path in (store.parent / "copy").rglob("*.json") if path.read_bytes()[:2] == b"\x1f\x8b"]
    path = min(packed)
    path.write_bytes(path.read_bytes()[:-9])
    assert "uncompressed" in cli("cleanup", "plan", "demo").stdout + cli("doctor").stdout


def test_half_a_report_of_one_who_was_killed_goes(cli: Cli, store: Path) -> None:
    cli("session", "create", "demo", "--name", "s", check=True)
    half = store / "state/sessions/s/.optimization_report.yaml.0123456789abcdef0123.tmp"
    half.write_text("optimiz")
    cli("cleanup", "optimize", check=True)
    assert not half.exists()
    assert not (store / "state/sessions/s/optimization_report.yaml").exists(), "nothing was gained there"


def test_what_gains_nothing_gets_no_folder(cli: Cli, store: Path) -> None:
    (store / "state/sessions/bash.json").write_text('{"session_id": "bash", "status": "active"}')
    cli("cleanup", "optimize", "--yes", check=True)
    assert not (store / "state/sessions/bash").exists()


def test_a_damaged_seal_stops_nothing_else_and_is_named(cli: Cli, store: Path) -> None:
    cli("config", "set", "segment_size=2K", check=True)
    for number in range(9):
        cli("events", "log", "demo", "e", json.dumps({"n": number, "pad": "x" * 900}), check=True)
        cli("events", "log", "other", "e", json.dumps({"n": number, "pad": "x" * 900}), check=True)
    min((store / "state/events/.segments/demo").glob("*.seal")).write_text("{")
    done = cli("cleanup", "optimize", "--yes", "--format", "json")
    assert done.returncode == 9, done.stderr
    assert any("demo" in one for one in json.loads(done.stdout)["failed"])
    assert list((store / "state/events/.segments/other").glob("*.gz"))
