"""A store in a database as administrators see it: made, roles, projects apart, versions; and no secret anywhere."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import ROOT, Cli
from postgres_server import PASSWORD, QUOTED, Server

from milestone_cli.core import request_digest
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Draft
from milestone_cli.render.schemas import schema
from milestone_cli.storage.postgres import PostgresStore, admin
from milestone_cli.storage.postgres.log import key_hash, middle
from milestone_cli.storage.postgres.schema import MIGRATIONS
from milestone_cli.storage.postgres.server import VERSION
from milestone_cli.storage.postgres.url import mask


def call(cli: Cli, *words: str, url: str, code: int = 0) -> dict[str, Any]:
    """Run a command with --format json; its output, or its error, held against the schema."""
    done = cli(*words, "--format", "json", env={"MILESTONE_STORE": url})
    assert done.returncode == code, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout or done.stderr)
    jsonschema.validate(found, schema(found["schema"].split("/")[1]))
    return found


@pytest.fixture
def url(postgres: Server, own_database: str) -> str:
    """An empty database, over TCP with a password."""
    return postgres.url(own_database)


def test_init_makes_schema_project_and_milestone(cli: Cli, url: str) -> None:
    assert call(cli, "state", "load", "demo", url=url, code=10)["hint"] == "`milestone store init` makes one"
    made = call(cli, "init", "demo", url=url)
    assert (made["created"], made["initialized"]) == (True, True)
    assert call(cli, "init", "demo", url=url)["created"] is False
    told = call(cli, "state", "load", "demo", url=url + "#other", code=10)
    assert "no project 'other'" in told["message"]


def test_four_who_make_the_store_at_once_make_one(cli: Cli, url: str, postgres: Server, own_database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: cli("init", "demo", env={"MILESTONE_STORE": url}), range(4)))
    assert [one.returncode for one in done] == [0] * 4, [one.stderr for one in done]
    assert postgres.sql("SELECT count(*) FROM milestone.migration", own_database) == str(VERSION)
    assert postgres.sql("SELECT count(*) FROM milestone.project", own_database) == "1"


def test_projects_of_one_database_are_apart(cli: Cli, url: str) -> None:
    for name in ("a", "b"):
        call(cli, "init", "demo", url=f"{url}#{name}")
        call(cli, "state", "set", "demo", f"who={name}", url=f"{url}#{name}")
        call(cli, "checkpoint", "create", "demo", "--name", name, url=f"{url}#{name}")
    for name in ("a", "b"):
        listed = call(cli, "checkpoint", "list", "demo", url=f"{url}#{name}")["checkpoints"]
        assert [one["checkpoint_name"] for one in listed] == [name]
        assert cli("state", "get", "demo", "who", env={"MILESTONE_STORE": f"{url}#{name}"}).stdout == name + "\n"
        call(cli, "lock", "acquire", "demo", url=f"{url}#{name}")
    assert call(cli, "store", "info", url=url + "#a")["projects"] == ["a", "b"]


def test_roles_have_the_least_rights(cli: Cli, url: str, postgres: Server, own_database: str) -> None:
    names = {kind: f"{kind}_{own_database}" for kind in ("reader", "writer", "stranger")}
    for name in names.values():
        postgres.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    try:
        call(cli, "store", "init", "--reader", names["reader"], "--writer", names["writer"], url=url)
        assert call(cli, "store", "init", "--reader", "nobody-here", url=url, code=3)["code"] == "not_found"
        call(cli, "state", "save", "demo", "1", url=url)
        role = {kind: postgres.url(own_database, user=name) for kind, name in names.items()}
        for words in (
            ["state", "save", "demo", "2"], ["state", "set", "demo", ".=3"], ["events", "log", "demo", "t"],
            ["checkpoint", "create", "demo"], ["session", "create", "demo"], ["init", "second"],
            ["state", "undo", "demo"], ["lock", "acquire", "demo"],
            ["lock", "release", "demo"], ["store", "freeze"], ["store", "unfreeze"],
        ):  # fmt: skip
            refused = call(cli, *words, url=role["reader"], code=8)
            assert refused["code"] == "store_unreachable", words
            assert "permi" in refused["message"], words
            call(cli, *words, url=role["writer"])
        for words in (["state", "load", "demo"], ["status", "demo"], ["events", "verify", "demo"], ["store", "check"]):
            assert cli(*words, env={"MILESTONE_STORE": role["reader"]}).returncode == 0, words
        for kind in ("writer", "reader"):
            assert call(cli, "store", "info", url=role[kind])["rights"] == kind
        call(cli, "state", "load", "demo", url=role["stranger"], code=8)
        for sql in (
            "UPDATE milestone.line SET data = data", "DELETE FROM milestone.line", "DELETE FROM milestone.stream",
            "DROP TABLE milestone.line", "UPDATE milestone.once SET at = 0",
            "INSERT INTO milestone.migration VALUES (9)",
        ):  # fmt: skip
            with pytest.raises(AssertionError, match=r"permission denied|must be owner"):
                postgres.sql(f"SET ROLE {names['writer']}; {sql}", own_database)
    finally:
        for name in names.values():
            postgres.sql(f"DROP OWNED BY {name}; DROP ROLE {name}", own_database)


def test_nobody_sees_a_store_that_is_half_made(
    cli: Cli, url: str, postgres: Server, own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "MIGRATIONS", (*MIGRATIONS[:-1], (VERSION, "broken", "SELECT 1 / 0;")))
    with pytest.raises(MilestoneError):
        admin.make(PostgresStore(url, is_new=True))
    assert postgres.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'milestone'", own_database) == "0"
    monkeypatch.undo()
    assert call(cli, "init", "demo", url=url)["created"] is True


def test_another_version_of_the_schema_is_refused(cli: Cli, url: str, postgres: Server, own_database: str) -> None:
    call(cli, "init", "demo", url=url)
    assert call(cli, "store", "migrate", url=url)["steps"] == []
    postgres.sql("INSERT INTO milestone.migration VALUES (99, 'from the future')", own_database)
    for words in (["state", "load", "demo"], ["state", "save", "demo", "1"], ["init", "demo"], ["store", "migrate"]):
        assert call(cli, *words, url=url, code=5)["code"] == "newer_format", words
    assert call(cli, "store", "check", url=url, code=6)["healthy"] is False


def test_an_older_schema_is_migrated_and_retention_works_for_a_writer(
    cli: Cli, url: str, postgres: Server, own_database: str
) -> None:
    store = PostgresStore(url, is_new=True)
    admin.migrate(store, end=MIGRATIONS[0][0])
    store.ask("INSERT INTO milestone.project (name) VALUES ($1)", store.name)
    store.hello()
    line = middle("demo", Draft("old", '{"n":1}', "no-session", "system"), "k", request_digest(b"demo"))
    logged = "SELECT milestone.log($1, 'demo', ARRAY[$2::bytea], $3, $4, '', 0, 1000)"
    store.ask(logged, store.project, line, key_hash("k"), request_digest(b"demo"))
    for words in (["state", "save", "demo", "1"], ["events", "log", "demo", "new"], ["agent", "register", "a"]):
        assert call(cli, *words, url=url, code=5)["code"] == "older_format"
    assert call(cli, "store", "check", url=url, code=6)["healthy"] is False
    assert call(cli, "store", "migrate", "--dry-run", url=url)["steps"] == [
        f"schema {number}: {name}" for number, name, _ in MIGRATIONS[1:]
    ]
    assert len(call(cli, "store", "migrate", url=url)["steps"]) == len(MIGRATIONS) - 1
    assert call(cli, "store", "check", url=url)["healthy"] is True
    postgres.sql(f"CREATE ROLE {own_database}_writer LOGIN PASSWORD '{PASSWORD}'", own_database)
    try:
        call(cli, "store", "init", "--writer", f"{own_database}_writer", url=url)
        writer = postgres.url(own_database, user=f"{own_database}_writer")
        first = call(cli, "events", "log", "demo", "new", "--idempotency-key", "n", url=writer)
        time.sleep(0.01)
        removed = call(cli, "cleanup", "run", "demo", "--older-than", "1ms", "--yes", url=writer)["removed"]
        assert [(one["kind"], one["name"]) for one in removed] == [("events", "1-2")]
        again = call(cli, "events", "log", "demo", "new", "--idempotency-key", "n", url=writer)
        assert (again["replayed"], again["event_id"]) == (True, first["event_id"])
        assert cli("events", "verify", "demo", env={"MILESTONE_STORE": writer}).stdout.startswith(
            "demo: sound, 2 events"
        )
        assert call(cli, "store", "check", url=url)["healthy"] is True
    finally:
        postgres.sql(f"DROP OWNED BY {own_database}_writer; DROP ROLE {own_database}_writer", own_database)


def test_check_says_what_the_server_does_not_promise(cli: Cli, url: str, postgres: Server, own_database: str) -> None:
    call(cli, "init", "demo", url=url)
    assert call(cli, "store", "check", url=url)["healthy"] is True
    postgres.sql(f"ALTER DATABASE {own_database} SET synchronous_commit = off")
    found = call(cli, "store", "check", url=url)["findings"]
    assert [one["id"] for one in found if one["severity"] == "warning"] == ["server.synchronous_commit"]
    postgres.sql("UPDATE milestone.stream SET size = size + 1", own_database)
    assert "logs.size" in [one["id"] for one in call(cli, "store", "check", url=url, code=6)["findings"]]


def test_what_the_server_remarks_is_not_printed(cli: Cli, url: str, postgres: Server, own_database: str) -> None:
    call(cli, "init", "demo", url=url)
    postgres.sql(
        "CREATE FUNCTION remark() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE WARNING 'mind'; RETURN NULL; END $$;"
        "CREATE TRIGGER remark AFTER INSERT ON milestone.line FOR EACH ROW EXECUTE FUNCTION remark()",
        own_database,
    )
    done = cli("state", "set", "demo", "a=1", env={"MILESTONE_STORE": url}, check=True)
    assert (done.stdout, done.stderr) == ("demo: revision 1 set\n", "")


# secrets


def test_no_password_reaches_any_output(cli: Cli, url: str, tmp_path: Path) -> None:
    call(cli, "init", "demo", url=url)
    wrong = url.replace(QUOTED, "hunter2-hunter2")
    seen = []
    for words in (
        ["config", "show"], ["store", "info"], ["store", "check"], ["status"], ["init", "demo"], ["doctor"],
        ["store", "copy", ".", url, "--dry-run"], ["store", "freeze"], ["state", "set", "demo", "n=1"],
        ["store", "unfreeze"], ["lock", "acquire", "demo"], ["lock", "list"], ["lock", "show", "demo"],
        ["events", "query", "demo"], ["transaction", "list"],
    ):  # fmt: skip
        for env, more in (({"MILESTONE_STORE": url}, ["--format", "json"]), ({"MILESTONE_STORE": wrong}, [])):
            done = cli("--verbose", *words, *more, env=env)
            seen.append(done.stdout + done.stderr)
    for bad in (url + "?bogus=1", url.replace("postgresql://", "postgresql:/x://"), url + "?sslmode=nonsense",
                url + "?password=hunter2-hunter2&connect_timeout=x", url.replace("@", "/@"), url.replace("@", "@x@"),
                url.replace(QUOTED, "correct-horse@battery-staple"),
                url.replace("milestone:", "milestone:12/"), "ftp" + url[10:]):  # fmt: skip
        done = cli("--store", bad, "--verbose", "state", "load", "demo")
        assert done.returncode in (5, 8), bad
        seen.append(done.stdout + done.stderr)
    told = "\n".join(seen)
    for secret in (PASSWORD, QUOTED, "hunter2", "battery", "staple"):
        assert secret not in told


def test_the_command_line_of_a_holder_is_shown_without_its_password(cli: Cli, url: str) -> None:
    call(cli, "init", "demo", url=url)
    listing = f"'{sys.executable}' -m milestone_cli lock show demo --format json"
    done = cli("--store", url, "lock", "run", "demo", "--", "sh", "-c", listing, env={"MILESTONE_STORE": url})
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert ":***@" in shown["command"]
    assert QUOTED not in done.stdout


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://u:pw@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h/d#p", "postgresql://u@h/d#p"),
        (
            "milestone --store postgres://u:p:w/d@x@h:5/d state load",
            "milestone --store postgres://u:***@h:5/d state load",
        ),
        ("postgresql://h/d?password=pw&sslmode=require#p", "postgresql://h/d?password=***&sslmode=require#p"),
        ("host=h password=pw user=u", "host=h password=*** user=u"),
        ("nothing to hide: 10:30@noon", "nothing to hide: 10:30@noon"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_a_password_file_and_a_service_are_used_as_libpq_does(
    cli: Cli, postgres: Server, own_database: str, home: Path
) -> None:
    escaped = PASSWORD.replace(":", "\\:")
    secret = home / "pgpass"
    secret.write_text(f"127.0.0.1:{postgres.port}:*:milestone:{escaped}\n")
    secret.chmod(0o600)
    service = home / "service"
    service.write_text(f"[team]\nhost=127.0.0.1\nport={postgres.port}\nuser=milestone\ndbname={own_database}\n")
    env = {"PGPASSFILE": str(secret), "PGSERVICEFILE": str(service)}
    for name in (f"postgresql://milestone@127.0.0.1:{postgres.port}/{own_database}", "postgresql:///?service=team"):
        assert cli("init", "demo", env={"MILESTONE_STORE": name, **env}).returncode == 0
    secret.unlink()
    done = cli("state", "load", "demo", env={"MILESTONE_STORE": "postgresql:///?service=team", **env})
    assert done.returncode == 8
    assert "password" in done.stderr


def test_a_server_without_tls_is_refused_where_tls_is_asked_for(cli: Cli, url: str) -> None:
    done = cli("init", "demo", env={"MILESTONE_STORE": url + "?sslmode=require"})
    assert done.returncode == 8
    assert "SSL" in done.stderr


def test_tls_is_checked_as_libpq_does(cli: Cli, home: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("impossible here: there is no openssl")
    folder = Path(tempfile.mkdtemp(prefix="milestone-tests-server-"))
    folder.chmod(0o755)
    server = Server(folder / "own")
    server.create()
    try:
        words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout server.key -out server.crt"
        subprocess.run(["openssl", *words.split()], cwd=server.data, capture_output=True, check=True)
        owner = server.data.stat()
        for name in ("server.key", "server.crt"):
            os.chown(server.data / name, owner.st_uid, owner.st_gid)
            (server.data / name).chmod(0o600)
        with (server.data / "postgresql.conf").open("a") as settings:
            settings.write("ssl = on\n")
        with (server.data / "pg_hba.conf").open("w") as rules:
            rules.write("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
        server.start()
        root = home / "root.crt"
        root.write_bytes((server.data / "server.crt").read_bytes())
        url = server.url("postgres")
        assert call(cli, "init", "demo", url=url + "?sslmode=require")["created"] is True
        assert call(cli, "store", "info", url=url + "?sslmode=require")["tls"] is True
        named = server.url("postgres", host="localhost") + f"?sslmode=verify-full&sslrootcert={root}&hostaddr=127.0.0.1"
        assert call(cli, "store", "info", url=named)["tls"] is True
        for wrong in (
            url + f"?sslmode=verify-full&sslrootcert={root}",
            url + "?sslmode=verify-ca",
            url + "?sslmode=disable",
        ):
            refused = call(cli, "status", url=wrong, code=8)
            assert refused["code"] == "store_unreachable"
            assert "battery" not in json.dumps(refused)
    finally:
        server.stop("immediate")
        shutil.rmtree(folder)


# where libpq comes from

SYSTEM_ONLY = """
import sys
sys.path = [path for path in sys.path if "site-packages" not in path] + [sys.argv[1]]
from milestone_cli.storage.postgres import libpq
print(libpq.pq.PQlibVersion() >= 140000)
"""
NOWHERE = """
import ctypes, sys
sys.path.append(sys.argv[1])
def refuse(*_): raise OSError
ctypes.CDLL = refuse
from milestone_cli.errors import MilestoneError
try:
    import milestone_cli.storage.postgres
except MilestoneError as error:
    print(error.code, error.hint)
"""


def test_without_the_wheel_the_systems_libpq_serves() -> None:
    if not any(
        Path(folder).exists()
        for folder in ("/usr/lib/x86_64-linux-gnu/libpq.so.5", "/usr/lib/aarch64-linux-gnu/libpq.so.5")
    ):
        pytest.skip("impossible here: the system has no libpq")
    done = subprocess.run([sys.executable, "-c", SYSTEM_ONLY, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


def test_without_any_libpq_the_extra_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", NOWHERE, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.stdout == "missing_extra `pip install 'milestone-cli[postgres]'` installs it\n", done.stderr


def test_a_store_of_files_imports_nothing_of_this() -> None:
    look = (
        "import sys, milestone_cli.storage; print([one for one in sys.modules if 'postgres' in one or 'ctypes' in one])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False, env={**os.environ})
    assert done.stdout == "[]\n", done.stderr
