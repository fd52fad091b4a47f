"""What the client sends, spoiled in every way: exit 0, nothing said that should not be, and a store that verifies.

A seed makes one mutation of one payload, so a failure names the seed that repeats it.
"""

import copy
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from hooked import CLIENT, PAYLOADS, STATE, Hooks

FILES = sorted(PAYLOADS.glob("*.json"))
DEADLINE = 5.0  # seconds
SLOW = 30.0  # more, that a busy machine may take to start a process
ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, 1e308, "", " ", "x" * 10_000, "../../etc/passwd", "a/b", ".", "..", "-x",
    "\u0000", "\u001b[31mred", "\u202eabc", "é" * 300, "\U0001f600", "{}", "$(reboot)", "`id`", "'; x", "%s", "\n\n",
    [], {}, [None], {"a": None}, {"": ""}, [[[[[]]]]], {"stdout": {"interrupted": 1}}, CLIENT, "no-session", "demo",
    "SessionStart", "PostToolUse", "/", "https://u:p@h/?q", "Exit code 99999999999999999999", list(range(200)),
]  # fmt: skip

Payload = dict[str, Any]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything inside of a value."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        found += places(one, (*path, key))
    return found


def put(payload: Payload, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        payload = payload[key]
    payload[path[-1]] = value


def change(raw: bytes, chance: random.Random) -> bytes:
    """Some values become something odd."""
    payload = json.loads(raw)
    for _ in range(chance.randint(1, 3)):
        put(payload, chance.choice(places(payload)), copy.deepcopy(chance.choice(ODD)))
    return json.dumps(payload, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")


def drop(raw: bytes, chance: random.Random) -> bytes:
    """Some members are gone."""
    payload = json.loads(raw)
    for name in chance.sample(sorted(payload), chance.randint(1, len(payload) - 1)):
        del payload[name]
    return json.dumps(payload).encode()


def cut(raw: bytes, chance: random.Random) -> bytes:
    """It ends too early."""
    return raw[: chance.randrange(len(raw))]


def flip(raw: bytes, chance: random.Random) -> bytes:
    """Some bytes are others."""
    spoiled = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
    return bytes(spoiled)


def double(raw: bytes, chance: random.Random) -> bytes:
    """It comes twice, or a member stands twice."""
    if chance.random() < 0.5:
        return raw + raw
    return raw.rstrip()[:-1] + b',"session_id":"x","hook_event_name":"' + chance.choice(FILES).stem.encode() + b'"}'


def escape(raw: bytes, chance: random.Random) -> bytes:
    """Half characters and controls, as JSON can spell them."""
    payload = json.loads(raw)
    path = chance.choice([one for one in places(payload) if one])
    put(payload, path, "@")
    spoiled = chance.choice([r"\ud800", r"a\udfffb", r"\u0000", r"\u001b]0;x\u0007", r"\u2028", "\\ud83d"])
    return json.dumps(payload).encode().replace(b'"@"', f'"{spoiled}"'.encode())


def number(raw: bytes, chance: random.Random) -> bytes:
    """Numbers that are none, or that nothing can hold."""
    payload = json.loads(raw)
    put(payload, chance.choice(places(payload)), "@")
    spoiled = chance.choice(["NaN", "-Infinity", "1e999", "9" * 5000, "-0", "0x1", "01"])
    return json.dumps(payload).encode().replace(b'"@"', spoiled.encode())


def nest(raw: bytes, chance: random.Random) -> bytes:
    """It is deeper than anything should be."""
    payload = json.loads(raw)
    put(payload, chance.choice(places(payload)), "@")
    depth = chance.choice([150, 900, 5000])
    return json.dumps(payload).encode().replace(b'"@"', b"[" * depth + b"]" * depth)


def grow(raw: bytes, chance: random.Random) -> bytes:
    """It is larger than what is looked at whole."""
    payload = json.loads(raw)
    put(payload, chance.choice(places(payload)), chance.choice(["y", 'a"b\\', "é\n"]) * 700_000)
    return json.dumps(payload).encode()


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    change, change, change, drop, cut, flip, flip, double, escape, number, nest, grow,
]  # fmt: skip


@pytest.fixture
def hooks(store: Path, cli: Cli, home: Path) -> Hooks:
    cli("state", "save", "demo", json.dumps(STATE), check=True)
    return Hooks(cli, store.parent, home)


def spoil(seed: int) -> tuple[str, bytes]:
    chance = random.Random(seed)
    mutation, path = chance.choice(MUTATIONS), chance.choice(FILES)
    return f"seed {seed}: {mutation.__name__} of {path.stem}", mutation(path.read_bytes(), chance)


def assert_harmless(hooks: Hooks, seeds: range) -> None:
    for seed in seeds:
        what, raw = spoil(seed)
        began = time.monotonic()
        done = hooks.run(raw, "--deadline", str(DEADLINE))
        assert (done.returncode, done.stderr) == (0, b""), what
        assert time.monotonic() - began < DEADLINE + SLOW, what
        assert len(done.stdout) <= 10_000, what
        if done.stdout.startswith(b"{"):
            assert done.stdout.count(b"\n") == 1, what
            said = json.loads(done.stdout)["hookSpecificOutput"]
            assert said["hookEventName"] == "SessionStart", what
    problems = [(one["what"], one["code"], one["event"]) for one in hooks.problems()]
    assert {*problems} <= {("failed", "invalid_json", "")}, "a payload that could be read is always recorded"
    hooks.verify()
    hooks.cli("session", "list", check=True)
    hooks.cli("state", "load", "demo", check=True)
    outside = [path for path in hooks.place.rglob("*") if hooks.store not in (path, *path.parents)]
    assert [path for path in outside if hooks.home not in (path, *path.parents)] == []


@pytest.mark.parametrize("part", range(4))
def test_mutations_do_no_harm(part: int, hooks: Hooks) -> None:
    assert_harmless(hooks, range(part * 30, part * 30 + 30))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(12))
def test_more_mutations_do_no_harm(part: int, hooks: Hooks) -> None:
    assert_harmless(hooks, range(1000 + part * 100, 1100 + part * 100))
