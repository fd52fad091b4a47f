"""Patches of a state: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902, see `jsonpatch`).

Both work on the text: what a patch does not name keeps its exact spelling, and what it brings keeps its own. A patch
is done whole or not at all.
"""

from milestone_cli.core import commit, draft, paths_data
from milestone_cli.core.states import jsonpatch
from milestone_cli.core.states.revisions import beginning
from milestone_cli.core.states.tree import Value
from milestone_cli.jsontext import SPACE, check, members
from milestone_cli.model import LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from milestone_cli.model import Receipt
    from milestone_cli.storage.contract import Store


def patch(
    store: "Store",
    milestone: str,
    raw: bytes,
    form: str,
    *,
    expect: "int | None" = None,
    key: "str | None" = None,
    timeout: "float | None" = None,
) -> "Receipt":
    """Patch a milestone's state under its lock; one that is not there yet, or was deleted, begins as an empty object.

    Args:
        store: where.
        milestone: whose.
        raw: the patch, UTF-8.
        form: `merge` (RFC 7396) or `json` (RFC 6902).
        expect: the revision that must be current; 0: there must be none.
        key: idempotency key.
        timeout: seconds to wait for the lock.

    Raises:
        MilestoneError: what `parse_patch` and its function raise, `not_found` where the state was lost, and what
            `Store.commit` raises.
    """
    edit_text, paths = parse_patch(raw, form)

    def edit(old: "bytes | None") -> bytes:
        new = edit_text(old.decode() if old else beginning(store, milestone)).encode()
        check(new, LIMIT, "the state")
        return new

    request = (b"patch", form.encode(), raw)
    event = draft(store, "state_saved", paths_data(paths))
    return commit(store, milestone, event, edit, request, expect=expect, key=key, timeout=timeout)


def parse_patch(raw: bytes, form: str) -> "tuple[Callable[[str], str], list[str]]":
    """Read a patch.

    Args:
        raw: the patch, UTF-8.
        form: `merge` or `json`.

    Returns:
        What makes the new text from the old one, and the paths that the patch names: the keys of a merge patch, what
        each operation changes.

    Raises:
        MilestoneError: `invalid_json`, `too_large`, `invalid_data` when it is no such patch. The function raises
            `path_not_found` for a path that leads nowhere and `test_failed`.
    """
    text = check(raw, LIMIT, "the patch").strip(SPACE)
    if form == "merge":
        paths = [key for key, *_ in members(text, 0)] if text[0] == "{" else []
        return lambda old: _around(old, lambda whole: _merge(whole, text)), paths
    operations = jsonpatch.operations(text)
    paths = list(dict.fromkeys(one.path for one in operations if one.op != "test"))
    return lambda old: _around(old, lambda whole: jsonpatch.apply(whole, operations)), paths


def _around(old: str, edit: "Callable[[Value], Value]") -> str:
    """Edit a document and keep the white space around it."""
    bare = old.strip(SPACE)
    start = old.index(bare)
    return old[:start] + edit(Value(bare)).text() + old[start + len(bare) :]


def _merge(target: "Value | None", patch: str) -> Value:
    """RFC 7396, section 2."""
    if patch[0] != "{":
        return Value(patch)
    if target is None or target.kind != "{":
        if "null" not in patch:
            return Value(patch)
        target = Value("{}")
    places = target.open()
    assert isinstance(places, dict)
    for key, _, start, end in members(patch, 0):
        text = patch[start:end]
        if text != "null":
            target.put(key, _merge(places[key].value if key in places else None, text))
        elif key in places:
            target.drop(key)
    return target
