"""What a store is watched by: true figures, noted by nobody who goes well; a textfile that Prometheus reads; alerts."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import MILESTONE, Cli, clean_environment
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).parent / "faults"))
from injection import require_strace

from milestone_cli import runtime
from milestone_cli.core.doctor import alerts
from milestone_cli.core.metrics import saves
from milestone_cli.core.metrics.collect import backup_of, collect
from milestone_cli.core.metrics.declared import METRICS, PREFIX
from milestone_cli.core.metrics.saves import day_of_saves
from milestone_cli.render.metrics import prometheus
from milestone_cli.render.schemas import schema
from milestone_cli.storage.files import FileStore
from milestone_cli.storage.measures import LAST, measures, note_failure

DAY = 86_400 * 10**9


def figures(cli: Cli, *words: str, env: dict[str, str] | None = None) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """`metrics` as JSON, held against its schema; and the samples of each figure."""
    found = json.loads(cli("metrics", *words, "--format", "json", env=env, check=True).stdout)
    jsonschema.validate(found, schema("metrics"))
    return found, {one["name"].removeprefix(PREFIX): one["samples"] for one in found["metrics"]}


def value(samples: dict[str, list[Any]], name: str, **labels: str) -> Any:
    (one,) = [one["value"] for one in samples[name] if one["labels"].items() >= labels.items()]
    return one


def test_figures_are_those_of_the_store(cli: Cli, store: Path, tmp_path: Path, home: Path) -> None:
    """Over both stores: what was done is counted, what failed because of the store too, and nothing that was typed."""
    for number in range(3):
        cli("state", "save", "demo", f'{{"n": {number}}}', check=True)
    cli("checkpoint", "create", "demo", check=True)
    assert cli("state", "set", "nobody", "a", "b").returncode == 2
    assert cli("state", "load", "nobody").returncode == 3
    told, before = figures(cli)
    assert told["noted_since"] is None, "who asked for nonsense says nothing about the store"
    holder = subprocess.Popen(
        [str(MILESTONE), "lock", "run", "demo", "--", "sh", "-c", "echo; read line"], cwd=tmp_path,
        env=clean_environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    holder.stdout.readline()
    lost = cli("state", "save", "demo", '{"secret": "hunter2"}', "--lock-timeout", "0.1")
    held = value(figures(cli)[1], "locks", state="live")
    holder.communicate("\n")
    told, samples = figures(cli, "--probe")
    assert (value(before, "revisions_total"), value(before, "backups"), value(before, "checkpoints")) == (3, 2, 1)
    assert value(before, "events_total") == 5
    assert (lost.returncode, held, told["health"]["backupCount"], told["health"]["writeable"]) == (7, 1, 2, True)
    assert value(samples, "failures_total", command="state save", code="lock_timeout") == 1
    assert told["failure_rate"] == 0, "who waited in vain for a lock has not met an ill store"
    assert (value(samples, "day_saves"), value(samples, "day_save_failures")) == (3, 0)
    assert told["load_duration"]["count"] == 3
    assert told["load_duration"]["min"] <= told["load_duration"]["median"] <= told["load_duration"]["max"]
    families = {one.name for one in text_string_to_metric_families(cli("metrics", "--format", "prometheus").stdout)}
    assert {"milestone_info", "milestone_revisions", "milestone_load_duration_seconds"} <= families
    assert 0 < value(samples, "transaction_duration_seconds", quantile="1") < 60, "of the checkpoint, by its record"
    assert "3; in the last 24 h 3, and 0 failed" in cli("metrics", check=True).stdout
    assert "hunter2" not in json.dumps(told)


@pytest.fixture
def powerless(store: Path, home: Path) -> Any:
    """Run a command that root's powers do not help, in the store's folder."""

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        line = [str(MILESTONE), *words]
        if os.geteuid() == 0:
            if shutil.which("setpriv") is None:
                pytest.skip("impossible here: root without setpriv")
            line = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *line]
        return subprocess.run(
            line, cwd=store.parent, env=clean_environment(home), capture_output=True, text=True, check=False
        )

    return run


def test_failures_are_noted_and_told_by_doctor(cli: Cli, store: Path, home: Path, powerless: Any) -> None:
    cli("state", "save", "demo", '{"n": 1}', check=True)
    folder = store / "state/active"
    folder.chmod(0o500)
    assert powerless("state", "set", "demo", "password=hunter2").returncode == 8
    folder.chmod(0o700)
    kept = (store / "spool/measures.json").read_text()
    assert "hunter2" not in kept
    assert json.loads(kept)["last"][0][1:] == ["state set", "store_unreachable", "EACCES"]
    told, samples = figures(cli)
    assert (told["failure_rate"], value(samples, "day_save_failures")) == (0.5, 1)
    found = json.loads(cli("doctor", "--format", "json").stdout)
    assert {one["id"] for one in found["findings"] if one["severity"] != "ok"} >= {
        "alerts.save_failures", "alerts.permission_errors",
    }  # fmt: skip
    assert cli("doctor", "--fail-on", "warning").returncode == 6
    cli("config", "set", "alert_save_failures=2", "alert_permission_errors=0", check=True)
    assert "alerts         ok" in cli("doctor").stdout
    store.chmod(0o500)  # then they are noted where the user's own things are
    (store / "spool").chmod(0o500)
    folder.chmod(0o500)
    assert powerless("state", "set", "demo", "n=2").returncode == 8
    for path in (folder, store / "spool", store):
        path.chmod(0o700)
    assert json.loads(next((home / ".local/state/milestone").rglob("measures.json")).read_text())["last"]
    assert value(figures(cli)[1], "failures_total", command="state set") == 2


def test_a_long_wait_is_noted_and_a_short_one_is_not(cli: Cli, store: Path, home: Path) -> None:
    cli("state", "save", "demo", '{"n": 1}', check=True)
    for seconds, waits in (("0.3", 0), ("1.6", 1)):
        holder = subprocess.Popen(
            [str(MILESTONE), "lock", "run", "demo", "--", "sh", "-c", f"echo; sleep {seconds}"], cwd=store.parent,
            env=clean_environment(home), stdout=subprocess.PIPE,
        )  # fmt: skip
        assert holder.stdout is not None
        holder.stdout.readline()
        cli("state", "set", "demo", "n=2", check=True)
        holder.communicate()
        found = measures(str(store)).waits if waits else {"count": 0, "longest": 1.0}
        assert (store / "spool/measures.json").exists() == bool(waits)
        assert found["count"] == waits
    assert 1.0 <= found["longest"] < 30


def test_what_is_kept_is_bounded_whole_and_needs_nobody(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers at once lose no count; what is damaged begins anew; where nothing can be kept, nobody is told."""
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(store.parent / "nowhere"))
    writers = [
        threading.Thread(target=lambda: [note_failure(str(store), "state save", "damaged") for _ in range(10)])
        for _ in range(4)
    ]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    for number in range(LAST + 20):
        note_failure(str(store), f"command {number % 7}", "unexpected", "EIO")
    found = measures(str(store))
    assert found.failures["state save", "damaged"] == 40
    assert (sum(found.failures.values()), len(found.last)) == (LAST + 60, LAST)
    assert not list((store / "spool").glob("*.tmp"))
    for wrong in ("", "{", "[]", '{"failures": 3, "last": [1, ["a"]], "waits": {"count": -1}, "probe": {"at": 3}}'):
        (store / "spool/measures.json").write_text(wrong)
        assert measures(str(store)).failures == {}
        collect(FileStore(str(store)))
        note_failure(str(store), "state save", "damaged")
        assert measures(str(store)).failures == {("state save", "damaged"): 1}
    (store / "spool/measures.json").unlink()
    (store / "spool/measures.json").symlink_to("/etc/hostname")
    assert measures(str(store)).failures == {}
    shutil.rmtree(store / "spool")
    (store / "spool").write_text("")
    (store.parent / "nowhere").write_text("")
    note_failure(str(store), "state save", "damaged")


def test_prometheus_reads_every_figure(cli: Cli, tmp_path: Path) -> None:
    """As its own parser reads it: names, types, help and labels; the names keep to what promtool asks for."""
    odd = tmp_path / 'a "b"\\n c'
    odd.mkdir()
    cli("init", "demo", cwd=odd, check=True)
    for number in range(2):
        cli("state", "save", "demo", f'{{"n": {number}}}', cwd=odd, check=True)
    inner = str(odd / ".milestones")
    note_failure(inner, "state save", "damaged", "EIO")
    cli("task", "create", "write it", cwd=odd, check=True)
    cli("checkpoint", "create", "demo", cwd=odd, check=True)
    done = cli("metrics", "--probe", "-o", "node.prom", cwd=odd, check=True)
    assert done.stdout == ""
    text = (odd / "node.prom").read_text()
    families = {one.name: one for one in text_string_to_metric_families(text)}
    by_name = {name.removesuffix("_total"): (type_, help_) for name, type_, help_ in METRICS}
    assert {PREFIX + name for name in by_name} == set(families), "each is there, and there is no other"
    for name, (type_, help_) in by_name.items():
        family = families[PREFIX + name]
        assert (family.type, family.documentation) == (type_, help_)
        assert all(sample.timestamp is None for sample in family.samples)
    for name, type_, help_ in METRICS:  # https://github.com/prometheus/client_golang, promlint
        assert (type_ == "counter") == name.endswith("_total")
        assert help_.endswith(".")
        assert not name.endswith(("_ms", "_minutes", "_kilobytes", "_sum", "_count", "_bucket"))
    assert families["milestone_info"].samples[0].labels["store"] == inner
    assert text.endswith("\n")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len({line.rpartition(" ")[0] for line in lines}) == len(lines), "no sample twice"
    summary = {one.name: one.value for one in families["milestone_save_duration_seconds"].samples}
    assert summary["milestone_save_duration_seconds_count"] == 9
    (odd / "node.prom").chmod(0o640)
    cli("metrics", "-o", "node.prom", cwd=odd, check=True)
    assert (odd / "node.prom").stat().st_mode & 0o777 == 0o640
    assert not list(odd.glob(".milestone-*"))
    assert not list(Path(inner).glob(".selftest*")), "the scratch folder of the probe is gone"
    assert (
        json.loads(cli("metrics", "-o", "x", "--format", "json", cwd=odd).stdout or (odd / "x").read_text())["store"]
        == inner
    )


def test_every_threshold_has_its_alert(cli: Cli, store: Path) -> None:
    """Each is passed, told, and not told any more when the configuration says otherwise."""
    inner = FileStore(str(store))

    def found(settings: str) -> set[str]:
        (store / "config.yaml").write_text(settings)
        return {one.id for one in alerts.check(inner, lambda _: None)}

    assert found("") == {"alerts.sound"}
    for number in range(2):
        cli("state", "save", "demo", f'{{"n": {number}}}', check=True)
    for command, code, errno in (
        ("state save", "store_unreachable", "ENOSPC"), ("checkpoint create", "store_unreachable", "EROFS"),
        ("state save", "lock_timeout", ""), ("state load", "damaged", ""),
    ):  # fmt: skip
        note_failure(str(store), command, code, errno)
    every = {"alerts.save_failures", "alerts.backup_failures", "alerts.permission_errors", "alerts.damage"}
    assert found("") == every
    none = "".join(f"alert_{one.partition('.')[2]}: 0\n" for one in sorted(every))
    assert found(none) == {"alerts.sound"}
    assert found(none + "alert_free_space: 999999G\n") == {"alerts.free_space"}
    assert found("alert_within: 1ms\n") == {"alerts.sound"}
    (store / "quarantine/demo-20260101-000000-01234567.json").write_text("x")
    assert found("alert_damage: 2\nalert_save_failures: 2\n") == every - {"alerts.save_failures"}
    for backup in (store / "state/backups").iterdir():
        backup.unlink()
    assert "alerts.backup_age" in found("alert_backup_age: 1d\n")
    assert "alerts.backup_age" not in found("")
    assert value(figures(cli)[1], "milestones_without_copy") == 1


def test_how_long_changes_took_is_told_by_their_events(cli: Cli, store: Path, home: Path) -> None:
    """A slow disk shows in it, at no cost; what another program changed, or what was logged later, does not."""
    require_strace()
    assert figures(cli)[0]["change_duration"] is None
    cli("state", "save", "demo", '{"n": 1}', check=True)
    line = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=150000"]
    subprocess.run(
        [*line, str(MILESTONE), "state", "set", "demo", "n=2"], cwd=store.parent, env=clean_environment(home),
        check=True, capture_output=True,
    )  # fmt: skip
    found = figures(cli)[0]["change_duration"]
    assert found["count"] == 2
    assert 0.3 <= found["max"] < 10, "the state's file and its folder were synced"
    assert found["min"] < 0.3
    assert "changes took  " in cli("metrics", check=True).stdout
    state = store / "state/active/demo.json"
    (store / "aside").write_text(state.read_text().replace('"n":', '"m":'))
    (store / "aside").rename(state)
    cli("state", "set", "demo", "n=3", check=True)
    assert figures(cli)[0]["change_duration"]["count"] == 3
    log = (store / "state/events/milestone-demo.jsonl").read_bytes().splitlines()
    (last,) = [one for one in log if b'"m"' not in one and b'"revision":4' in one]
    moment, seconds = saves.change(last) or (0, 0.0)
    assert 0 <= runtime.now_ns() - moment < 60 * 10**9
    assert 0 < seconds < 10
    later = last.replace(last[14:41], runtime.timestamp(moment + 61 * 10**9).encode())
    assert saves.change(later) is None, "its writer was killed, and somebody else has logged it"


def test_saves_of_a_day_are_counted_from_the_logs(cli: Cli, store: Path) -> None:
    for number in range(2):
        cli("state", "save", "demo", f'{{"n": {number}}}', check=True)
    cli("events", "log", "demo", "note", check=True)
    time.sleep(0.05)
    between = runtime.now_ns()
    cli("state", "set", "demo", "n=7", check=True)
    inner = FileStore(str(store))
    assert [day_of_saves(inner, since) for since in (between - DAY, between, runtime.now_ns())] == [3, 1, 0]
    assert backup_of("a-r2-20261121-120000-r3") == ("a-r2", 1795262400 * 10**9)
    assert backup_of("odd") == ("odd", 0)
    assert "milestone_revisions_total 3\n" in prometheus(collect(inner))
