"""An agent as a page in YAML among its session's files, in the form of the reference architecture, for people to read.

It is written from the record by whoever changes that, and never read: what is edited there is written over.
"""

from milestone_cli.core.agents.agent import BEAT, Agent
from milestone_cli.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store


def page(store: "Store", one: Agent, subscribers: "list[str] | None" = None) -> bytes:
    """The page of an agent; `subscribers` are those who depend on it."""
    beat = Agent(one.id, store.get(BEAT, one.id) or b"")
    ended = ("ended_at", "reason", "exit_code")
    sections: dict[str, dict[str, object]] = {
        "agent": {
            "id": one.id,
            **{name: one.word(name) for name in ("type", "session_id", "milestone_id")},
            "status": one.status,
            **{name: one.word(name) for name in ("registered_at", "last_updated")},
            **{name: value for name in ended if (value := one.record.get(name)) is not None},
        },
        "state": one.mapping("state"),
        "metrics": {**one.metrics(), "last_heartbeat": beat.word("beat_at") or one.word("last_updated")},
        "coordination": {
            "dependencies": one.dependencies,
            "subscribers": subscribers or [],
            "event_subscriptions": one.subscriptions,
        },
    }
    lines = ["# Written from the agent's record; what is changed here is not read."]
    for title, values in sections.items():
        if title == "state":
            lines.append(f"state: {scalar(values)}")
        else:
            lines += [f"{title}:", *(f"  {name}: {scalar(value)}" for name, value in values.items())]
        lines.append("")
    return "\n".join(lines).encode()


def scalar(value: object) -> str:
    """A value as YAML: its JSON, which YAML is once every character is one that may be printed."""
    text = dumps(value)
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" if ord(one) < 1 << 16 else f"\\U{ord(one):08x}"
                   for one in text)  # fmt: skip
