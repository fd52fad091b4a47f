"""The package as a whole: its top level, its floors, its README's two commands, what its wheel contains."""

import ast
import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Cli

PACKAGE = ROOT / "milestone_cli"
TOP = {"pyproject.toml", "README.md", "CHANGELOG.md", "milestone_cli", "tests", "completions"}
# What a floor may import of this package besides itself and the ground, which is every other module.
GROUND = {"errors", "model", "runtime"}
# A command opens the store itself and hands it to the core: the door of `storage` is open to it, no room.
DOORS = {("cli", "milestone_cli.storage"), ("cli", "milestone_cli.storage.sides")}
# `render` reads the results of the core, a command hands a store on: they know the types, and run nothing there.
TYPES = {("render", "core"), ("cli", "storage")}
ALLOWED = {
    "cli": {"core", "render"},
    "core": {"storage"},
    "storage": set(),
    "render": set(),
    "api": {"core", "storage"},
    "": {"api"},  # what programs import is at the top, and loaded when it is asked for
    "__main__": {"cli", "core", "storage", "render"},
}


def floor(module: str) -> str:
    """The first part below the package: `milestone_cli.cli.state` stands on `cli`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package, by dotted name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imported(module: str, path: Path) -> Iterator[tuple[str, int]]:
    """Every module of this package that a module imports anywhere, in functions and for types too."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == PACKAGE.name:
                    yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            if origin.split(".")[0] == PACKAGE.name:
                for alias in node.names:
                    yield (f"{origin}.{alias.name}" if origin == PACKAGE.name else origin), node.lineno


def for_types(path: Path) -> set[int]:
    """The lines that stand under `if TYPE_CHECKING:`."""
    blocks = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {line for node in blocks for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def test_the_top_level_holds_nothing_else() -> None:
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - {"dist", "build", "PKG-INFO"} == TOP  # the last in an unpacked source distribution


def test_floors_stay_apart() -> None:
    files = {name.split(".")[1] for name, path in modules() if path.parent == PACKAGE and "." in name}
    ground = {name for name in files if name not in ALLOWED}
    assert ground >= GROUND
    wrong = []
    for name, path in modules():
        here = floor(name)
        allowed = ALLOWED.get(here, set()) | ground | {here, "", "__version__"}
        typed = for_types(path)
        wrong += [
            f"{path.relative_to(ROOT)}:{line} imports {target}"
            for target, line in imported(name, path)
            if floor(target) not in allowed
            and (here, target) not in DOORS
            and not (line in typed and (here, floor(target)) in TYPES)
        ]
    assert not wrong, "\n".join(wrong)


def test_only_runtime_reads_time_ids_and_the_environment() -> None:
    """No clock, environment or process is asked elsewhere; tests replace them in one place."""
    asked = re.compile(r"\b(time\.(time|time_ns|monotonic|sleep)|os\.(environ|getenv|getpid|urandom|uname))\b")
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for name, path in modules()
        if floor(name) != "runtime"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if asked.search(line.partition("#")[0])
    ]
    assert not wrong, "\n".join(wrong)


def test_the_core_neither_prints_nor_exits() -> None:
    wrong = []
    for name, path in modules():
        if floor(name) in ("core", "storage"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                called = ast.unparse(node.func)
                if called in ("print", "exit", "quit", "sys.exit", "os._exit", "sys.stdout.write"):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} calls {called}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_the_readme_gives_one_line_commands(heading: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section, f"no heading ## {heading}"
    blocks: list[str] = re.findall(r"^```\w*\n(.*?)^```$", section[1], re.DOTALL | re.MULTILINE)
    assert blocks, "no fenced block"
    assert len(blocks[0].splitlines()) == 1
    assert "pip install" in blocks[0]


def test_the_readme_names_the_benchmarks() -> None:
    assert "tests.benchmarks" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_is_installed_is_typed_and_whole() -> None:
    files = {str(file) for file in importlib.metadata.files("milestone-cli") or []}
    if any(name.endswith(".pth") for name in files):
        pytest.skip("impossible here: installed in editable form")
    sources = {str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*.*") if path.suffix != ".pyc"}
    assert "milestone_cli/render/page/timeline.js" in sources
    assert sources <= files
    assert not [name for name in files if name.startswith(("tests/", "completions/", ".ci"))]


def test_the_command_knows_its_version(cli: Cli) -> None:
    assert importlib.metadata.version("milestone-cli") in cli("--version", check=True).stdout
