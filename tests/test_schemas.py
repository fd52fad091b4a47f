"""Every JSON output has a schema and keeps to it; every schema is of something that is printed."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Cli
from jsonschema import Draft202012Validator
from prepared import COMMANDS, prepare, run

from milestone_cli.errors import EXIT
from milestone_cli.render import schemas

DOCUMENTS = {"state load", "state get", "session get", "events replay"}  # they print the user's own text
JSON = [path for path, one in COMMANDS.items() if any("json" in option.choices for option in one.options)]
MORE = {
    "overview": "milestone init other && milestone status --format json",
    "status": "milestone status --format json",
    "init": "milestone init --format json",
    "state-list": "milestone state list --format json",
    "verify": "milestone events verify --all --format json",
    "events-replay": "milestone events replay demo --from 1 --format json",
    "timeline": "milestone events timeline --format json",
    "events": "milestone events query --limit 1 --reverse --format json",
    "event-batch": """echo '{"event_type":"x"}' | milestone events log --batch --format json""",
    "event-log": "milestone events log x --idempotency-key k --format json",
}
"""Further forms of what the examples print."""
FAILING = {
    "usage": "milestone state set demo --format json nothing",
    "not_found": "milestone state load nobody --format json",
    "revision_not_found": "milestone state load demo --revision 99 --format json",
    "path_not_found": "milestone state get demo no.such.path --format json",
    "milestone_ambiguous": "milestone init other && milestone state load --format json",
    "revision_conflict": "milestone state save demo '{}' --if-revision 7 --format json",
    "idempotency_conflict": "for n in x y; do milestone events log demo $n --idempotency-key k --format json; done",
    "invalid_json": "milestone state save demo '{' --format json",
    "invalid_name": "milestone state save ../x '{}' --format json",
    "invalid_time": "milestone events query demo --since 10/11/2026 --format json",
    "no_store": "cd / && milestone status --format json",
    "damaged": "echo '{' > .milestones/state/active/demo.json && milestone status demo --format json > /dev/null"
    " && rm -r .milestones/state/backups .milestones/state/events && milestone state load demo --format json",
}  # fmt: skip


def validated(text: str) -> dict[str, Any]:
    """An output, held against the schema that it names."""
    found = json.loads(text)
    assert isinstance(found, dict)
    kind = found["schema"].removeprefix("milestone/").removesuffix("/v1")
    validator = Draft202012Validator(schemas.schema(kind), format_checker=Draft202012Validator.FORMAT_CHECKER)
    problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(found)]
    assert not problems, "\n".join(problems)
    return found


@pytest.mark.parametrize("path", JSON)
def test_the_json_of_a_command_keeps_to_its_schema(path: str, tmp_path: Path, home: Path, cli: Cli) -> None:
    prepare(cli, tmp_path, path)
    example = COMMANDS[path].example.partition(" && ")[0]
    line = example if "--format json" in example else example + " --format json"
    done = run(line, tmp_path, home)
    assert done.returncode == 0, done.stderr
    if path in DOCUMENTS:
        json.loads(done.stdout)
    else:
        lines = done.stdout.splitlines()
        assert len(lines) == 1 or ";" in example or path.startswith(("events ", "session log"))
        validated(done.stdout if path.startswith(("events ", "session log")) else lines[-1])


@pytest.mark.parametrize("kind", MORE)
def test_other_forms_keep_to_it_too(kind: str, tmp_path: Path, home: Path, cli: Cli) -> None:
    prepare(cli, tmp_path)
    done = run(MORE[kind], tmp_path, home)
    assert done.returncode == 0, done.stderr
    assert validated(done.stdout.partition("\n")[2] if kind == "overview" else done.stdout)["schema"] == (
        f"milestone/{kind}/v1"
    )


@pytest.mark.parametrize("code", FAILING)
def test_errors_keep_to_theirs(code: str, tmp_path: Path, home: Path, cli: Cli) -> None:
    prepare(cli, tmp_path)
    done = run(FAILING[code], tmp_path, home)
    told = validated(done.stderr.splitlines()[-1])
    assert (told["code"], told["exit_code"]) == (code, done.returncode)
    assert EXIT[code] == done.returncode


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Calls of functions whose first parameter is `kind`: where they stand, the function, the call."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "milestone_cli").rglob("*.py")}
    named = {
        node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.args.args[:1] and node.args.args[0].arg == "kind"
    }
    for path, tree in trees.items():
        if path.parent.name in ("cli", "render"):
            for node in ast.walk(tree):
                if isinstance(node, ast.Call):
                    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    if name in named and node.args:
                        yield f"{path.name}:{node.lineno}", name, node


def test_every_kind_that_is_printed_has_a_schema_and_the_other_way_round() -> None:
    printed = {"error"}
    for _, _, call in calls():
        kinds = [node.value for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)]
        printed |= {kind for kind in kinds if isinstance(kind, str)}
    assert printed == set(schemas.KINDS)


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_a_schema_is_one(kind: str) -> None:
    found = schemas.schema(kind)
    Draft202012Validator.check_schema(found)
    assert str(found["description"]).endswith(".")
