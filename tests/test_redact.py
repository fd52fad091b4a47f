"""What is copied of a client's texts has no secret in it, whatever stands around one; what is none stays readable."""

import base64
import json
import random
import string
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from milestone_cli.core.hook.redact import HIDDEN, copy, redacted

WIDE = 100_000  # characters: nothing is cut
LETTERS = string.ascii_letters + string.digits
SECONDS = 3.0  # of processor time for a text that takes milliseconds, on a machine that may be slow


def _word(chance: random.Random, size: int, signs: str = LETTERS) -> str:
    """Letters and digits as a generator of keys makes them: never without both."""
    while True:
        found = "".join(chance.choices(signs, k=size))
        if any(one.isdigit() for one in found) and any(one.isalpha() for one in found):
            return found


def _base64(chance: random.Random, size: int) -> str:
    while True:
        found = base64.b64encode(chance.randbytes(size)).decode()
        if any(sign.isdigit() for sign in found):
            return found


def _jwt(chance: random.Random) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "n": chance.random()}).encode()).decode().rstrip("=")]
    return ".".join([*parts, _word(chance, chance.randint(20, 900)), _word(chance, 43)])


def _pem(chance: random.Random) -> str:
    kind = chance.choice(["RSA ", "", "EC ", "OPENSSH ", "ENCRYPTED "])
    body = "\n".join(_base64(chance, 48) for _ in range(chance.randint(1, 40)))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


KEYS: dict[str, Callable[[random.Random], str]] = {
    "anthropic": lambda chance: f"sk-ant-api03-{_word(chance, 93, LETTERS + '-_')}AA",
    "openai": lambda chance: chance.choice(["sk-", "sk-proj-", "sk-svcacct-"]) + _word(chance, 48),
    "stripe": lambda chance: chance.choice(["sk_live_", "rk_test_", "pk_live_"]) + _word(chance, 24),
    "github": lambda chance: f"gh{chance.choice('pousr')}_{_word(chance, 36)}",
    "github-fine": lambda chance: f"github_pat_{_word(chance, 22)}_{_word(chance, 59)}",
    "gitlab": lambda chance: f"glpat-{_word(chance, 20, LETTERS + '-_')}",
    "slack": lambda chance: f"xox{chance.choice('bpars')}-{_word(chance, 12)}-{_word(chance, 24)}",
    "slack-app": lambda chance: f"xapp-1-{_word(chance, 11)}-{_word(chance, 64)}",
    "slack-hook": lambda chance: (
        f"https://hooks.slack.com/services/T{_word(chance, 8)}/B{_word(chance, 8)}/" + _word(chance, 24)
    ),
    "aws-id": lambda chance: "AKIA" + _word(chance, 16, string.ascii_uppercase + string.digits),
    "aws-secret": lambda chance: _base64(chance, 30),
    "google": lambda chance: f"AIza{_word(chance, 35)}",
    "google-token": lambda chance: f"ya29.{_word(chance, 120, LETTERS + '-_')}",
    "npm": lambda chance: f"npm_{_word(chance, 36)}",
    "hugging-face": lambda chance: f"hf_{_word(chance, 34)}",
    "pypi": lambda chance: f"pypi-AgEIcHlwaS5vcmc{_word(chance, 120, LETTERS + '-_')}",
    "sendgrid": lambda chance: f"SG.{_word(chance, 22)}.{_word(chance, 43)}",
    "telegram": lambda chance: f"{chance.randint(10**8, 10**10 - 1)}:AA{_word(chance, 33, LETTERS + '-_')}",
    "vault": lambda chance: f"hvs.{_word(chance, 90)}",
    "age": lambda chance: f"AGE-SECRET-KEY-1{_word(chance, 58, string.ascii_uppercase + string.digits)}",
    "hexadecimal": lambda chance: chance.randbytes(chance.choice([20, 32])).hex(),
    "base64": lambda chance: _base64(chance, chance.randint(36, 600)),
    "jwt": _jwt,
    "pem": _pem,
}
"""Secrets that are known by their shape, wherever they stand."""
NAMED = [
    "PASSWORD={}", "export DB_PASS={}; ./run", "PGPASSWORD='{}' psql", 'MYSQL_PWD="{}"', "DJANGO_SECRET_KEY={}",
    "AWS_SECRET_ACCESS_KEY={} aws s3 ls", "githubToken: {}", '{{"password": "{}", "user": "joe"}}', "api_key = '{}'",
    '{{\\"password\\":\\"{}\\"}}', '"{{\\\\\\"token\\\\\\": \\\\\\"{}\\\\\\"}}"', "'client_secret' => '{}',",
    "encryption-key:  {}", "psql postgres://joe:{}@db.example.org:5432/x", "redis://:{}@cache:6379/0",
    "git clone https://joe:{}@example.org/x.git", "curl -u joe:{} https://example.org", "curl --user 'joe:{}' x",
    "curl -H 'Authorization: token {}' x", 'curl -H "X-Api-Key: {}" x', "Authorization: Basic {}9Q==",
    "Authorization: Digest username=\"joe\", response=\"{}\"", "Cookie: a=1; session={}; b=2", "Bearer {}0x",
    "Set-Cookie: id={}; HttpOnly", "login --password {} --user joe", "login --db-password='{}'", "tool -token {}",
    "mysql -u root -p{} shop", "sshpass -p {} ssh joe@example.org", "redis-cli -h cache -a {} ping",
    "https://x.example.org/b?sv=1&sig={}&se=2", "https://maps.example.org/api?key={}", "the password is {}7",
    "password:\n  {}", "AccountKey={};EndpointSuffix=core", "passphrase == '{}'", "private_key: \"{}\"",
]  # fmt: skip
"""What says that a secret stands there; `{}` is the secret, which may be any word."""
AROUND = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    ["{", '"', "'", "\\", "://", "@", "token", "=", "-----BEGIN ", "eyJ", "\n", "a b\n", "`", "[redacted]", "…"]
)
WORDS = st.text(LETTERS, min_size=8, max_size=40).filter(lambda word: "redacted" not in word)


def _parts(secret: str) -> list[str]:
    """What of a secret would give it away: each of its pieces that is long enough to be nothing else."""
    lines = [line for line in secret.split("\n") if "-----" not in line]
    return [line[at : at + 12] for line in lines for at in range(0, max(len(line) - 11, 1), 6) if len(line) >= 12]


@settings(max_examples=150, deadline=None)
@given(AROUND, AROUND, st.sampled_from(sorted(KEYS)), st.integers(0, 2**32), st.sampled_from([" ", "\n", "\t", "="]))
def test_a_key_goes_whatever_stands_around_it(before: str, after: str, kind: str, seed: int, space: str) -> None:
    secret = KEYS[kind](random.Random(seed))
    given_ = f"{before}{space}{secret}{space}{after}"
    for text in (redacted(given_, WIDE), copy({"command": [given_]}, WIDE), copy({"a": {given_: 1}}, WIDE)):
        assert HIDDEN in text
        body = secret.partition("services/")[2] or secret
        assert not [part for part in _parts(body)[1:] if part in text], (secret, text)


@settings(max_examples=150, deadline=None)
@given(AROUND, AROUND, st.sampled_from(NAMED), WORDS)
@example("", "", 'curl -d \'{{"password":"{}"}}\'', "hunter22")
def test_a_word_goes_where_it_is_named(before: str, after: str, form: str, word: str) -> None:
    given_ = f"{before}\n{form.format(word)}\n{after}"
    assert word not in redacted(given_, WIDE).replace(before, "").replace(after, "")
    text = copy({"command": given_}, WIDE)
    if word not in before + after:
        assert word not in text


@settings(max_examples=100, deadline=None)
@given(st.lists(AROUND | WORDS | st.sampled_from(NAMED), max_size=12).map(" ".join), st.integers(1, 300))
def test_twice_is_once_and_no_longer_than_asked(text: str, longest: int) -> None:
    for room in (longest, WIDE):
        once = redacted(text, room)
        assert len(once) <= room
        assert redacted(once, room) == once


@pytest.mark.parametrize("size", [50, 2000])
def test_a_secret_at_the_cut_goes_too(size: int) -> None:
    chance = random.Random(size)
    for kind, make in KEYS.items():
        for back in (1, 10, 25, 4096, 4110):
            secret = make(chance)
            text = "word " * ((size + 4096) // 5)
            text = f"{text[: max(size - back, 0)]} {secret} {text}"
            found = redacted(text, size)
            assert not [part for part in _parts(secret.partition("services/")[2] or secret)[2:] if part in found], kind
    filled = "token=abcdefgh1 " * 400 + "AKIA" + "A1B2" * 4
    assert redacted(filled, 3000).count("AKIA") == 0


def test_what_a_structure_says_is_secret_goes() -> None:
    value = {
        "args": ["--password", "hunter22", "--user", "joe"],
        "env": [{"name": "DB_PASSWORD", "value": "hunter22"}, {"name": "PORT", "value": "5432"}],
        "headers": [["X-Api-Key", "hunter22"], ["Accept", "text/html"]],
        "password": {"old": "hunter22", "new": ["hunter22"]},
        "text": 'curl -d \'{"password": "hunter22"}\' https://example.org',
        "Authorization": "hunter22",
        "note": "kept",
    }
    text = copy(value, WIDE)
    assert "hunter22" not in text
    for kept in ("joe", "5432", "text/html", "kept", "https://example.org"):
        assert kept in text
    json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "pytest tests/test_store_contract.py -k 'test_that_2_callers_wait_for_each_other_and_go_on' --maxfail=1",
        "The author: Jane; max_tokens=4096, tokens used 81 of 200, basic understanding of the bearer of news",
        "/home/user/project/src/components/dashboard/v2/widgets/TimelineWidget/TimelineWidget.test.tsx:31:7",
        "git@github.com:someone/something.git and ssh://git@github.com/someone/something.git at http://localhost:8080/x",
        "session 70bc90c3-ca4d-4c5f-9608-5144edd48c5e in /projects/70bc90c3-ca4d-4c5f-9608-5144edd48c5e/log",
        "a table:\n| test | passes |\n|------|--------|\n| one  | 12     |\n------------------------------------------",
        "secrets are none of ours; the cookie jar is empty; authorize the deployment, key by key; pass 12 of 40",
        "Größe 12 × 7 … naïve – “quoted” 😀 \t tab",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text, WIDE) == text
    assert json.loads(copy({"text": text}, WIDE)) == {"text": text}


def test_no_text_takes_long() -> None:
    seeds = [
        "a", "aA1", "-", "--a", "--", "token", "token=", "token='", 'token=\\"', "\\", "eyJ", "eyJ-", "eyJa.", "://",
        "://a:", "://a@", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "bearer ", "authorization:", "cookie=", "sk-",
        "sk-a", "pwd ", "mysql ", "mysql -", "?key=", "secret_key_base ", "\n", " ", "1:AA", "a/", "a+", "_pass", "is ",
        "token is ", "digest username=", 'x-api-key: "', "'", '"', "hooks.slack.com/services/", "😀",
    ]  # fmt: skip
    for seed in seeds:
        text = (seed * (24_096 // len(seed)))[:24_096]
        before = time.process_time()
        redacted(text, 20_000)
        copy({"a": [text[:999]] * 40, text: text}, 9999)
        assert time.process_time() - before < SECONDS, seed
