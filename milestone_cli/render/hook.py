"""What was put into the client, taken out of it, or is there, for people and for machines."""

from milestone_cli.render.ages import count, when
from milestone_cli.render.table import BOLD, MAGENTA, paint
from milestone_cli.render.text import flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.claude.install import Plan

    Facts = dict[str, object]

LABEL = 12
RECORDED = "  next     sessions that begin in a folder with a store are recorded; `milestone init NAME` makes one"


def fields(plan: "Plan", *, dry_run: bool) -> "Facts":
    """A plan, done or not, as JSON values."""
    return {
        "scope": plan.scope,
        "path": plan.path,
        "events": plan.events,
        "statusline": plan.statusline,
        "files": [{"path": path, "change": what} for path, what in plan.files],
        "notes": plan.notes,
        "dry_run": dry_run,
    }


def install_text(plan: "Plan", *, dry_run: bool) -> str:
    """What was put in, or would be."""
    if not plan.files:
        return _noted(f"{flat(plan.path)}: everything is there already; nothing was changed", plan)
    would = "would be " if dry_run else ""
    what = [count(len(plan.events), "event")] if plan.events else []
    what += ["the status line"] if plan.statusline else []
    what += [count(commands, "slash command")] if (commands := _commands(plan)) else []
    done = _noted(f"{flat(plan.path)}: {', '.join(what) or 'the plugin'} {would}installed", plan)
    return done if dry_run or not plan.events else f"{done}\n{RECORDED}"


def uninstall_text(plan: "Plan", *, dry_run: bool) -> str:
    """What was taken out, or would be."""
    if not plan.files:
        return _noted(f"{flat(plan.path)}: nothing of ours is there; nothing was changed", plan)
    would = "would be " if dry_run else ""
    return _noted(f"{flat(plan.path)}: {count(len(plan.events), 'event')} {would}uninstalled", plan)


def _noted(first: str, plan: "Plan") -> str:
    files = [f"  {what:<8} {flat(path)}" for path, what in plan.files]
    return "\n".join([first, *files, *[f"  note     {flat(note)}" for note in plan.notes]])


def _commands(plan: "Plan") -> int:
    return sum(path.endswith(".md") and what != "removed" for path, what in plan.files)


def status_text(found: "Facts") -> str:
    """What is installed where, which program the client finds, and what went wrong lately."""
    command = found["command"]
    assert isinstance(command, dict)
    lines = [_line("milestone", str(found["version"]))]
    if command["path"] is None:
        lines.append(_line("command", "no milestone on the PATH: the client finds none", MAGENTA))
    else:
        is_other = command["version"] != found["version"]
        told = f"{command['path']}, {command['version'] or 'of an unknown version'}"
        lines.append(_line("command", told, MAGENTA if is_other else ""))
    for one in _list(found["settings"]):
        lines += _settings(one)
    for one in _list(found["plugins"]):
        lines.append(_line("plugin", str(one["name"])))
    if found["twice"]:
        lines.append(_line("", "in settings and in a plugin: every event is told twice", MAGENTA))
    lines.append(_line("store", str(found["store"] or "none is found from here")))
    if found["waiting"]:
        lines.append(_line("waiting", f"{count(int(str(found['waiting'])), 'call')} for the next one"))
    for index, one in enumerate(_list(found["problems"])):
        told = f"{when(one['at'])}  {one.get('event') or 'hook'} {one.get('what')}: {one.get('message')}"
        lines.append(_line("" if index else "problems", told, MAGENTA if one.get("what") == "lost" else ""))
    return "\n".join(lines)


def _settings(one: "Facts") -> "list[str]":
    """One file of settings: where it is, and what of ours is in it."""
    events, by_hand, commands = one["events"], _list(one["by_hand"]), one["commands"]
    assert isinstance(events, list)
    assert isinstance(commands, list)
    what = [count(len(events), "event")] if events else []
    what += [f"{event['event']} by hand" for event in by_hand]
    what += ["status line"] if one["statusline"] else []
    what += [count(len(commands), "slash command")] if commands else []
    told = str(one["trouble"]) if one["trouble"] else ", ".join(what) or "nothing of ours"
    lines = [_line(str(one["scope"]), f"{told}  ({one['path']})", MAGENTA if one["trouble"] else "")]
    missing = one["missing"]
    if isinstance(missing, list) and missing:
        lines.append(_line("", f"without {', '.join(missing)}"))
    return lines


def _line(label: str, text: str, style: str = "") -> str:
    return f"{paint(label, BOLD)}{' ' * (LABEL - len(label))}{paint(flat(text), style)}"


def _list(value: object) -> "list[Facts]":
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
