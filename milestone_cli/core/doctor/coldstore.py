"""What is put away can be read, and nothing stands under its name in the meantime."""

from milestone_cli.core.coldstore.keeping import listed
from milestone_cli.storage.findings import Finding, count, named, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.core.doctor.examination import Progress
    from milestone_cli.storage.contract import Store


def check(store: "Store", _: "Progress") -> "Iterator[Finding]":
    """Unpack everything that is put away."""
    rows = listed(store)
    bad = [f"{one['kind']}/{one['name']}" for one in rows if one["trouble"]]
    twice = [str(one["name"]) for one in rows if one["kind"] == "task" and store.modified("task", str(one["name"]))]
    if bad:
        why = next(str(one["trouble"]) for one in rows if one["trouble"])
        yield Finding(
            "archive", "damaged", "error", f"{named(bad)}: {why}",
            "an export or a copy of the store may have it; nothing is removed", bad[0],
        )  # fmt: skip
    if twice:
        yield Finding(
            "archive", "twice", "note", f"of {named(twice)} there is a task at work, and an archived one",
            f"`milestone archive show task/{twice[0]}` shows the archived one", twice[0],
        )  # fmt: skip
    if not bad and not twice:
        yield sound("archive", f"it can be read; {count(len(rows), 'item')}" if rows else "nothing is archived")
