"""The cache by its commands: keys, entries, tiers, invalidation, statistics, maintenance."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Cli
from prepared import run

from milestone_cli.core.cache.keys import key_of
from milestone_cli.render.schemas import schema


def read(cli: Cli, *args: str, **more: Any) -> dict[str, Any]:
    """The output of a command as JSON, held against its schema."""
    done = cli(*args, "--format", "json", check=True, **more)
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


def keys(cli: Cli, *more: str) -> list[str]:
    return sorted(entry["key"] for entry in read(cli, "cache", "list", *more)["entries"])


@pytest.mark.usefixtures("store")
def test_an_answer_is_kept_found_and_invalidated(cli: Cli, tmp_path: Path) -> None:
    miss = cli("cache", "get", "q1")
    assert (miss.returncode, miss.stdout, miss.stderr) == (3, "", "")
    binary = bytes(range(256)) * 3
    (tmp_path / "answer").write_bytes(binary)
    put = read(cli, "cache", "put", "q1", "@answer", "--agent", "locator", "--request", "find \x1b[2J it",
               "--tag", "go", "--tag", "search", "--content-hash", "h1", "--ttl", "30m")  # fmt: skip
    assert (put["stored"], put["tier"], put["bytes"], put["reason"]) == (True, "hot", 768, None)
    assert cli("cache", "get", "q1", input=b"").stdout == binary
    cli("cache", "put", "q2", "--agent", "other", "--tag", "go", input="täxt\n", check=True)
    assert cli("cache", "get", "q2", check=True).stdout == "täxt\n"
    cli("cache", "put", "q1", "of a session", "--namespace", "session-1", check=True)
    assert cli("cache", "get", "q1", "--namespace", "session-1").stdout == "of a session"
    assert cli("cache", "get", "q1", "--tier", "warm").returncode == 3

    shown = read(cli, "cache", "show", "q1")
    assert (shown["agent"], shown["request"], shown["tags"]) == ("locator", "find \x1b[2J it", ["go", "search"])
    assert (shown["hits"], shown["data"], len(shown["data_base64"])) == (1, None, 1024)
    assert "\x1b" not in cli("cache", "show", "q1", check=True).stdout
    assert read(cli, "cache", "get", "q2")["data"] == "täxt\n"
    assert keys(cli) == ["q1", "q2"]

    assert read(cli, "cache", "invalidate", "--tag", "go", "--agent", "other", "--dry-run")["keys"] == ["q2"]
    assert keys(cli) == ["q1", "q2"]
    assert read(cli, "cache", "invalidate", "--tag", "go", "--agent", "other")["keys"] == ["q2"]
    assert cli("cache", "get", "q1", "--content-hash", "h1", input=b"").stdout == binary
    assert cli("cache", "get", "q1", "--content-hash", "h2").returncode == 3, "its content is another one"
    assert keys(cli) == [], "and then it is void"
    assert keys(cli, "--namespace", "session-1") == ["q1"]
    assert read(cli, "cache", "invalidate", "--content-hash", "h1")["count"] == 0
    assert read(cli, "cache", "invalidate", "q1", "--namespace", "session-1")["count"] == 1
    refused = cli("cache", "invalidate")
    assert refused.returncode == 2
    assert cli("cache", "show", "q1").returncode == 3
    assert cli("cache", "put", "../q", "1").returncode == 5
    assert cli("cache", "get", "q", "--namespace", "../x").returncode == 5


@pytest.mark.usefixtures("store")
def test_numbers_that_differ_are_different_questions() -> None:
    numbers = [b"1", b"1.5", b"1.10000000000000000001", b"1.10000000000000000002", b"1e999", b"2e999", b"1.1"]
    assert len({key_of("a", "q", b'{"n": ' + number + b"}") for number in numbers}) == len(numbers)
    assert key_of("a", "q", b"[1.50]") == key_of("a", "q", b"[15e-1]")


def test_the_same_question_has_the_same_key(cli: Cli, tmp_path: Path) -> None:
    words = ["cache", "key", "--agent", "locator", "--request", "find"]
    one = read(cli, *words, "--permissions", '{"read": ["src"], "deep": {"a": 1, "b": [true, null]}}')["key"]
    permissions = '{"deep":{"b":[true,null],"a":1},"read":["src"]}'
    other = cli("cache", "key", "--permissions", permissions, "--request", " find ", "--agent", "locator").stdout
    assert other == one + "\n"
    (tmp_path / "a.go").write_text("package a")
    (tmp_path / "b.go").write_text("package b")
    orders = ["--input", "a.go", "--input", "b.go"], ["--input", "b.go", "--input", "a.go"]
    before = [cli(*words, *order, check=True).stdout for order in orders]
    assert before[0] == before[1]
    (tmp_path / "b.go").write_text("package c")
    changed = cli(*words, "--input", "a.go", "--input", "b.go", check=True).stdout
    others = [["--agent", "x"], ["--request", "f"], ["--permissions", "{}"], ["--permissions", '{"a": 1.0}']]
    made = [one + "\n", before[0], changed, *[cli(*words, *more, check=True).stdout for more in others]]
    assert len({*made}) == len(made)
    assert cli(*words, "--permissions", '{"a": 1, "a": 2}').returncode == 5


def test_bounds_and_tiers_are_as_configured(cli: Cli, store: Path) -> None:
    (store / "config.yaml").write_text("cache_entries: 3\ncache_ttl: 1d\ncache_hot_size: 600\ncache_hot_ttl: 1s\n")
    for n in range(5):
        cli("cache", "put", f"k{n}", "x" * 100, check=True)
    assert keys(cli) == ["k2", "k3", "k4"], "the entry that was not used for longest made room"
    stats = read(cli, "cache", "stats")
    assert (stats["entries"], stats["evicted"], stats["puts"]) == (3, 2, 5)
    assert {one["tier"]: one["evicted"] for one in stats["tiers"]} == {"hot": 0, "warm": 2, "cold": 0}
    assert sum(one["evicted"] for one in stats["agents"]) == 2
    tiers = {tier["tier"]: tier for tier in stats["tiers"]}
    assert tiers["hot"]["bytes"] <= 600 < 3 * 250
    assert tiers["warm"]["entries"] == 3 - tiers["hot"]["entries"] > 0
    put = read(cli, "cache", "put", "long", "y" * 9999, "--tier", "cold")
    assert put["tier"] == "cold"
    assert put["stored_bytes"] < 600, "the coldest is compressed"
    for _ in range(2):
        assert cli("cache", "get", "long", "--tier", "hot").returncode == 3
        assert cli("cache", "get", "long", check=True).stdout == "y" * 9999
        assert read(cli, "cache", "show", "long")["tier"] == "warm", "too large for the hottest"
    assert not read(cli, "cache", "put", "k9", "z", env={"MILESTONE_CACHE_ENTRIES": "0"})["stored"]


@pytest.mark.usefixtures("store")
def test_what_is_over_goes_and_what_was_counted_is_told(cli: Cli) -> None:
    assert read(cli, "cache", "stats")["hit_rate"] is None
    cli("cache", "put", "short", "1", "--ttl", "1ms", "--agent", "a", check=True)
    cli("cache", "put", "long", "2", "--agent", "b", check=True)
    for key in ("long", "long", "short", "nothing"):
        cli("cache", "get", key)
    stats = read(cli, "cache", "stats")
    assert (stats["hits"], stats["misses"], stats["hit_rate"], stats["average_hits"]) == (2, 2, 0.5, 2.0)
    assert (stats["expired"], stats["most_used"][0]["key"], stats["most_used"][0]["hits"]) == (1, "long", 2)
    assert {one["agent"]: (one["entries"], one["hits"]) for one in stats["agents"]} == {"b": (1, 2), None: (0, 0)}
    assert [(one["hits"], one["misses"]) for one in stats["hours"]] == [(2, 2)]
    text = cli("cache", "stats", check=True).stdout
    assert "50% of 4 requests hit" in text
    assert "█" in text
    for n in range(3):
        cli("cache", "put", f"s{n}", "1", "--ttl", "1ms", check=True)
    assert keys(cli) == ["long"]
    over = read(cli, "cache", "expire", "--dry-run")["keys"]
    assert "s2" in over
    assert read(cli, "cache", "expire")["keys"] == over
    cli("cache", "put", "s9", "1", "--ttl", "1ms", check=True)
    planned, found = read(cli, "cleanup", "cache", "--dry-run"), read(cli, "cleanup", "cache")
    assert (planned["dry_run"], found["dry_run"]) == (True, False)
    assert planned["namespaces"] == found["namespaces"]
    (found,) = found["namespaces"]
    assert (found["expired"], found["entries"], found["cleared"]) == (1, 1, 0)
    assert read(cli, "cache", "expire")["count"] == 0
    assert read(cli, "cache", "clear", "--dry-run")["keys"] == ["long"]
    assert read(cli, "cache", "clear", "--yes")["count"] == 1
    assert keys(cli) == []
    assert read(cli, "cache", "stats")["hits"] == 2, "what was counted stays"


def test_a_disk_that_takes_nothing_is_no_failure_of_the_caller(cli: Cli, store: Path, tmp_path: Path) -> None:
    cli("cache", "put", "kept", "1", check=True)
    line = "ulimit -f 0; milestone cache put other 22; echo $?; milestone cache get kept; echo $?"
    done = run(line, tmp_path, tmp_path)
    assert done.stdout == "0\n10\n", done.stderr
    assert "other is not kept" in done.stderr
    assert keys(cli) == ["kept"]
    assert not [*store.glob("cache/state_cache/default/*/.*")], "nothing half written is left"
