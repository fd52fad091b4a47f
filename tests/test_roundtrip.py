"""A thousand random JSON texts come back byte-equal: saved, set inside another text, read from history, replayed."""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli

from milestone_cli.core import document, state
from milestone_cli.core.log import verify
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import members
from milestone_cli.storage.files import FileStore

SEED = 20261121
COUNT = 250
NUMBERS = [
    "0", "-0", "1.10", "1e400", "-1E-400", "1E+05", "0.0000", "1180591620717411303424", "-18446744073709551616",
    "1.0e0", "9007199254740993", "123456789012345678901234567890.123456789012345678901234567890",
]  # fmt: skip
STRINGS = [
    '""', r'"\u0000"', r'"\""', r'"\\"', r'"\\\\\""', '"[{"', '"}]"', '"],}{,["', r'"\ud83d\ude00"', '"😀"', '"漢字"',
    '"é"', '"e\u0301"', '"\u202e"', '"\x7f\x85\u2028"', r'"\/"', '"/"', r'"\b\f\n\r\t"', '",\\"state\\":"',
    r'"\\ud800"', '" "', r'"\u00E9"', '"a.b"', '"~1"', '"=\'$(x)`"',
]  # fmt: skip


class Generator:
    """Random JSON texts, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def space(self) -> str:
        return "".join(self.random.choices(" \t\n\r", k=self.random.choice((0, 0, 0, 1, 1, 3))))

    def number(self) -> str:
        kind = self.random.random()
        if kind < 0.5:
            return self.random.choice(NUMBERS)
        if kind < 0.52:
            return self.random.choice("123456789") + "".join(self.random.choices("0123456789", k=4999))
        whole = str(self.random.randrange(10 ** self.random.randrange(1, 30)))
        part = "." + "".join(self.random.choices("0123456789", k=self.random.randrange(1, 20)))
        exponent = self.random.choice("eE") + self.random.choice(("", "+", "-")) + str(self.random.randrange(500))
        return (
            self.random.choice(("", "-")) + whole + self.random.choice(("", part)) + self.random.choice(("", exponent))
        )

    def string(self) -> str:
        kind = self.random.random()
        if kind < 0.6:
            return self.random.choice(STRINGS)
        if kind < 0.63:
            return '"' + self.random.choice(("x", "é", "\\n", '\\"', "[")) * self.random.randrange(1000, 20_000) + '"'
        points = [self.random.choice((range(0x20, 0x7F), range(0xA0, 0x800), range(0x1F300, 0x1F600)))
                  for _ in range(self.random.randrange(12))]  # fmt: skip
        text = "".join(chr(self.random.choice(points_of)) for points_of in points)
        return json.dumps(text, ensure_ascii=self.random.random() < 0.5)

    def value(self, depth: int) -> str:
        kind = self.random.random()
        if depth <= 0 or kind < 0.3:
            word = self.random.choice(("true", "false", "null", "", ""))
            return word or (self.number() if kind < 0.15 else self.string())
        if kind < 0.36:
            return self.random.choice(("{}", "[]", "{ }", "[\n]"))
        items = [self.value(depth - self.random.randrange(1, 4)) for _ in range(self.random.randrange(1, 5))]
        if kind < 0.65:
            return "[" + ",".join(self.space() + item + self.space() for item in items) + "]"
        keys: dict[str, str] = {}  # by what they mean, since keys must differ in that
        for _ in items:
            key = self.string()
            keys.setdefault(json.loads(key), key)
        pairs = zip(keys.values(), items, strict=False)
        inside = ",".join(
            self.space() + key + self.space() + ":" + self.space() + item + self.space() for key, item in pairs
        )
        return "{" + inside + "}"

    def text(self) -> str:
        if self.random.random() < 0.02:
            deep = self.random.randrange(50, 201)
            openers = self.random.choices(("[", '{"k":'), k=deep)
            closers = ["]" if opener == "[" else "}" for opener in reversed(openers)]
            inside = "" if openers[-1] == "[" else "0"
            return "".join(openers) + inside + "".join(closers)
        return self.space() + self.value(6) + self.space()

    def texts(self, count: int) -> list[str]:
        return [self.text() for _ in range(count)]


@pytest.fixture
def files(store: Path) -> Iterator[FileStore]:
    found = FileStore(str(store))
    yield found
    found.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waiting for the disk, which is not what is tested here."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr("os.fdatasync", lambda _: None)


def replayed(store: Path) -> Iterator[bytes]:
    """Every text that a log holds, made from its lines as the format says, by nothing of the product."""
    text = b""
    for line in (store / "state/events/milestone-demo.jsonl").read_bytes().splitlines():
        data = json.loads(line)["data"]
        if "text" in data:
            text = data["text"].encode()
        elif "splice" in data:
            for at, delete, insert in reversed(data["splice"]):
                text = text[:at] + insert.encode() + text[at + delete :]
        else:
            continue
        assert hashlib.sha256(text).hexdigest() == data["sha256"]
        yield text


def test_the_texts_are_what_they_should_be() -> None:
    texts = Generator(SEED).texts(COUNT)
    assert len(set(texts)) > 0.8 * COUNT
    together = "\n".join(texts)
    for part in ("1.10", "1e400", r"\u0000", "漢", "{ }", r"\"", "  ", "[" * 20):
        assert part in together
    assert any(len(text) > 5000 for text in texts)
    for text in texts:
        json.loads(text, parse_int=len, parse_float=len)


@pytest.mark.usefixtures("quick")
def test_save_load_and_history(files: FileStore) -> None:
    texts = [text.encode() for text in Generator(SEED).texts(COUNT)]
    for number, text in enumerate(texts, 1):
        assert state.save(files, "demo", text).revision == number
        assert state.load(files, "demo")[0].text == text
    for number, text in enumerate(texts, 1):
        assert state.load(files, "demo", number)[0].text == text
    report = verify.verify(files, "demo")
    assert report.ok
    assert report.revision == COUNT
    assert list(replayed(Path(files.path))) == texts


@pytest.mark.usefixtures("quick")
def test_set_and_history(files: FileStore) -> None:
    """A value set at a path comes back from there, and nothing else in the text changes."""
    generator = Generator(SEED + 1)
    texts = generator.texts(COUNT)
    state.save(files, "demo", b'{ "first" : 1.10 ,\n  "k0": [ 0 ],\n\t"last" : "x" }\n')
    history = [state.load(files, "demo")[0].text]
    names = [f"k{number}" for number in range(12)]
    for number, text in enumerate(texts):
        before = history[-1].decode()
        old = {key: before[start:end] for key, _, start, end in members(before, 0)}
        name = generator.random.choice(names)
        path = name
        if old.get(name, "").startswith("{") and generator.random.random() < 0.3:
            path = f"{name}.new-{number}"
        if "[" * 180 in text or text.count("{") + text.count("[") > 150:
            path = name  # deeper than may be
        value = text.strip() if number % 2 else text
        try:
            state.assign(files, "demo", [(path, value)])
        except MilestoneError as error:
            if "levels deep" not in error.message:  # inside the object it may be one level too many
                raise
            continue
        after = state.load(files, "demo")[0].text.decode()
        assert document.find(after, path) == text.strip(" \t\n\r")
        new = {key: after[start:end] for key, _, start, end in members(after, 0)}
        for key, kept in old.items():
            if key != name:
                assert new[key] == kept
        assert after.startswith('{ "first" : 1.10 ,\n')
        assert after.endswith(" }\n")
        history.append(after.encode())
    assert len(history) > 0.95 * COUNT
    for number, expected in enumerate(history, 1):
        assert state.load(files, "demo", number)[0].text == expected
    assert verify.verify(files, "demo").ok


@pytest.mark.usefixtures("quick")
def test_events_keep_the_text_of_their_data(files: FileStore, store: Path) -> None:
    from milestone_cli.core import events

    texts = [text for text in Generator(SEED + 2).texts(COUNT) if text.strip().startswith("{")][:300]
    for text in texts:
        events.log(files, "demo", [("t", text.encode())])
    lines = (store / "state/events/milestone-demo.jsonl").read_bytes().split(b"\n")[1:-1]
    assert len(lines) == len(texts)
    for line, text in zip(lines, texts, strict=True):
        kept = line.decode().split('"data":', 1)[1].split(',"pid":', 1)[0]
        assert kept == text.strip(" \t\n\r").replace("\n", " ").replace("\r", " ")


def test_through_the_command(cli: Cli, store: Path) -> None:
    texts = [text.encode() for text in Generator(SEED + 3).texts(25)]
    for text in texts:
        cli("state", "save", "demo", "-", input=text, check=True)
        assert cli("state", "load", "demo", input=b"", check=True).stdout == text
    for number in range(1, len(texts) + 1, 3):
        done = cli("state", "load", "demo", "--revision", str(number), "--format", "json", input=b"", check=True)
        assert done.stdout == texts[number - 1]
    cli("state", "save", "demo", '{"é": {"a": 1.10}, "z" :0}', check=True)
    for text in texts[:8]:
        word = text.decode().strip(" \t\n\r")
        if len(word) < 100_000:
            cli("state", "set", "demo", f"é.b={word}", check=True)
            shown = cli("state", "get", "demo", "é.b", "--format", "json", input=b"", check=True).stdout
            assert shown.decode().strip(" \t\n\r") == word
            whole = cli("state", "load", "demo", input=b"", check=True).stdout.decode()
            assert whole == f'{{"é": {{"a": 1.10,"b": {word}}}, "z" :0}}'
    cli("events", "verify", "demo", check=True)
