"""The commands of `milestone state` that move or mend a state: complete, reopen, delete, recover, validate."""

from milestone_cli import render, runtime
from milestone_cli.core import current_milestone
from milestone_cli.core.states import lifecycle
from milestone_cli.storage import open_store

from .state import acknowledge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.shared import DryRun, Format, IdempotencyKey, LockTimeout, MilestoneId, Yes
    from .options.states import FromCopy, IfRevision, SchemaFile


def complete(
    milestone: "MilestoneId" = None,
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Mark a milestone as completed: its state can be read, but changed only after `state reopen`.

    Example: milestone state complete demo
    """
    _move("state-complete", milestone, if_revision, idempotency_key, lock_timeout, output)


def reopen(
    milestone: "MilestoneId" = None,
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Make a completed milestone active again.

    Example: milestone state reopen demo
    """
    _move("state-reopen", milestone, if_revision, idempotency_key, lock_timeout, output)


def _move(
    kind: str,
    milestone: "str | None",
    expect: "int | None",
    key: "str | None",
    timeout: "float | None",
    output: str,
) -> None:
    """Move a state to the completed ones or back."""
    store, verb = open_store(), kind.partition("-")[2]
    name = current_milestone(store, milestone)
    receipt = lifecycle.move(store, name, verb, expect=expect, key=key, timeout=timeout)
    acknowledge(kind, receipt, "completed" if verb == "complete" else "reopened", output)


def delete(
    milestone: "MilestoneId" = None,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Delete a milestone's state; its log and a backup stay, and `state undo` brings it back.

    At a terminal the plan is shown and confirmed first, unless --yes.

    Example: milestone state delete demo --yes
    """
    store = open_store()
    name = current_milestone(store, milestone)
    if dry_run or (not yes and runtime.is_terminal(0)):
        plan = lifecycle.plan_delete(store, name, if_revision)
        text = (
            f"{name}: delete revision {plan['revision']} ({plan['bytes']} bytes); it stays as backup {plan['backup']}"
        )
        if dry_run:
            render.emit("state-delete", {**plan, "dry_run": True}, text, output)
            return
        from .confirm import confirm

        confirm(text, "Delete it?")
    receipt, backup = lifecycle.delete(store, name, expect=if_revision, key=idempotency_key, timeout=lock_timeout)
    kept = f"; it stays as backup {backup}, and `milestone state undo {name}` brings it back" if backup else ""
    more: dict[str, object] = {"backup": backup or None, "dry_run": False}
    acknowledge("state-delete", receipt, "deleted", output, more, kept)


def recover(
    milestone: "MilestoneId" = None,
    from_copy: "FromCopy" = None,
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    if_revision: "IfRevision" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Replace a state that is damaged or gone with a good copy: the newest one whose checksum fits.

    --from takes a named backup or checkpoint, and replaces a good state too. What was there stays in the history; a
    damaged file is kept in the quarantine.

    Example: milestone state recover demo --dry-run
    """
    from milestone_cli.core.states import recover as recovery
    from milestone_cli.render.changes import recovery_text

    store = open_store()
    name = current_milestone(store, milestone)
    found = recovery.plan(store, name, from_copy)
    fields: dict[str, object] = {**found.fields(), "dry_run": dry_run, "recovered": False, "revision": None}
    if dry_run or found.copy is None:
        render.emit("state-recover", fields, recovery_text(found), output)
        return
    if not yes:
        from .confirm import confirm

        confirm(recovery_text(found), "Recover it?")
    document, notes = recovery.run(
        store, found, named=from_copy is not None, expect=if_revision, key=idempotency_key, timeout=lock_timeout
    )
    render.notify(notes)
    fields.update(recovered=True, revision=document.revision, sha256=document.sha256, bytes=len(document.text))
    render.emit("state-recover", fields, f"{name}: revision {document.revision} recovered", output)


def validate(
    milestone: "MilestoneId" = None,
    schema: "SchemaFile" = None,
    output: "Format" = "text",
) -> None:
    """Check a state against a JSON Schema; where it does not fit, show the paths and exit 5.

    Without --schema the setting `schema` names the file. It needs the library jsonschema, which the package brings with
    its extra named schema.

    Example: milestone state validate demo --schema schema.json
    """
    from milestone_cli.core import setting, state
    from milestone_cli.core.states.validate import validate as hold
    from milestone_cli.errors import MilestoneError

    from .data import read_data

    store = open_store()
    name = current_milestone(store, milestone)
    file = schema or setting(store, "schema", "")
    if not file:
        raise MilestoneError("usage", "there is no schema", "give --schema FILE, or set `schema` in config.yaml")
    rules = read_data("@" + file)
    document, notes = state.load(store, name)
    render.notify(notes)
    found = hold(document.text, rules)
    if found:
        told = "; ".join([f"{one['path'] or '(the whole)'}: {one['message']}" for one in found[:10]])
        more = f"; and {len(found) - 10} more" if len(found) > 10 else ""
        raise MilestoneError(
            "invalid_state",
            f"'{name}' does not fit the schema in {len(found)} place{'s'[: len(found) != 1]}: {told}{more}",
            "correct it with `milestone state set` or `milestone state patch`",
            milestone_id=name,
            revision=document.revision,
            errors=found[:1000],
        )
    fields: dict[str, object] = {
        "milestone_id": name,
        "revision": document.revision,
        "schema_file": file,
        "valid": True,
    }
    render.emit("state-validate", fields, f"{name}: revision {document.revision} fits {file}", output)
