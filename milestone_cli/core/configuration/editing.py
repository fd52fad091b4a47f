"""Changing the configuration: one transaction, after which the file is valid, or nothing is changed.

A change is recorded like every transaction, with the text of before, so it can be shown and taken back.
"""

from milestone_cli import runtime
from milestone_cli.core import lock_timeout, request_digest
from milestone_cli.core.configuration.declared import check
from milestone_cli.core.configuration.reading import examine, failure
from milestone_cli.core.configuration.splicing import HEADER, assign, remove, written
from milestone_cli.errors import MilestoneError
from milestone_cli.model import Plan, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.storage.contract import Store

    Change = tuple[str, str | None]
    """A setting, and its new value as text; None: it is taken out."""

OPERATION = "config"
DIGITS = 8
"""Hexadecimal digits of a key, and of its request, at the end of the id of the transaction that it belongs to."""


def read(store: "Store") -> str:
    """The configuration as it stands; empty where there is none.

    Raises:
        MilestoneError: `invalid_config` where it is no text.
    """
    raw = store.get("config", "") or b""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MilestoneError("invalid_config", "config.yaml is not UTF-8", "save it as UTF-8") from None


def change(
    store: "Store",
    changes: "list[Change]",
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "dict[str, object]":
    """Set settings, or take them out, and leave everything else in the file as it is.

    Returns:
        `settings` with `name`, `before` and `after` of each, `transaction_id`, `replayed`; no transaction
        where nothing is different.

    Raises:
        MilestoneError: `invalid_config` for a value that cannot be, and where the file would not be valid afterwards;
            `idempotency_conflict`, `lock_timeout`.
    """
    for name, value in changes:
        if value is not None:
            check(name, value)
    settings: list[dict[str, object]] = []

    def edit(text: str) -> str:
        before = written(text)
        settings[:] = [
            {"name": name, "before": before.get(name), "after": value} for name, value in dict(changes).items()
        ]
        if not text and any(value is not None for _, value in changes):
            text = HEADER
        for name, value in changes:
            text = remove(text, name) if value is None else assign(text, name, value)
        return text

    request = "\n".join(f"{name}={'' if value is None else value}" for name, value in changes)
    done = _put(store, edit, request, key=key, timeout=timeout)
    return {"settings": settings, **done}


def replace(store: "Store", before: str, after: str, *, timeout: "float | None" = None) -> "dict[str, object]":
    """Put a text in the place of the configuration that it was made of.

    Raises:
        MilestoneError: `invalid_config`; `conflict` when somebody else changed the configuration meanwhile.
    """

    def edit(text: str) -> str:
        if text != before:
            raise MilestoneError(
                "conflict",
                "somebody else changed config.yaml meanwhile; nothing was changed",
                "`milestone config edit` begins with what it is now",
            )
        return after

    return _put(store, edit, "", timeout=timeout)


def _put(
    store: "Store",
    edit: "Callable[[str], str]",
    request: str,
    *,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "dict[str, object]":
    """Let `edit` make the next text of the configuration from the present one; see `change`."""
    asked = digest((key or "").encode())[:DIGITS] + request_digest(b"config", request.encode())[:DIGITS]
    told: dict[str, object] = {"transaction_id": None, "replayed": False}

    def build() -> Plan:
        plan = Plan(OPERATION)
        if key and (known := _known(store, asked)):
            told.update(transaction_id=known, replayed=True)
            return plan
        old = read(store)
        new = edit(old)
        _refuse_invalid(new)
        if new != old:
            plan.id = runtime.new_transaction_id(runtime.now_ns())[: -DIGITS if key else None] + (asked if key else "")
            plan.puts.append(("config", "", new.encode()))
            told.update(transaction_id=plan.id)
        return plan

    store.transact([], build, _patience(store, timeout))
    return told


def _patience(store: "Store", timeout: "float | None") -> float:
    """Seconds to wait; 30 where the configuration that says so is what is to be mended."""
    try:
        return lock_timeout(store, timeout)
    except MilestoneError as error:
        if timeout is not None or error.code != "invalid_config":
            raise
        return 30.0


def _refuse_invalid(text: str) -> None:
    problems = examine(text.encode())[1]
    if problems:
        raise failure(problems, "nothing was changed, for it would not be valid: ")


def _known(store: "Store", asked: str) -> str:
    """The transaction that was done under a key; empty where there is none.

    Raises:
        MilestoneError: `idempotency_conflict` when another request was.
    """
    for kind in ("committed", "rollback"):
        for identity in store.keys(kind):
            if identity[16:-DIGITS] == asked[:DIGITS] and len(identity) == 16 + len(asked):
                if identity[16:] != asked:
                    raise MilestoneError(
                        "idempotency_conflict",
                        "the idempotency key was used for a different change",
                        "use a new key for a new change; the same key only to repeat the same one",
                    )
                return identity
    return ""
