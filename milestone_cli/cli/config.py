"""The commands of `milestone config`: looking at settings, and changing the file that people write."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.configuration.reading import Problem

    from .options.shared import Format, IdempotencyKey, LockTimeout
    from .options.stores import Assignments, ConfigFile, Editor, FromDraft, SettingName, SettingNames


def show(output: "Format" = "text") -> None:
    """Show every setting, its value, and where the value comes from.

    Example: milestone config show
    """
    from milestone_cli import render
    from milestone_cli.core.configuration.in_force import show as every
    from milestone_cli.render.config import config_text
    from milestone_cli.storage import open_store

    found = every(open_store())
    render.emit("config", {"settings": found}, config_text(found), output)


def get(name: "SettingName", output: "Format" = "text") -> None:
    """Print the value of a setting.

    Example: milestone config get lock_timeout
    """
    from milestone_cli import render
    from milestone_cli.core.configuration.in_force import get as one
    from milestone_cli.render.text import flat
    from milestone_cli.storage import open_store

    found = one(open_store(), name)
    render.emit("config-get", found, flat(str(found["value"])), output)


def set_(
    assignments: "Assignments",
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Set settings in config.yaml; its comments, its order and everything else in it stay as they are.

    All or nothing; `milestone transaction rollback last` takes it back. A variable MILESTONE_* takes precedence over
    the file.

    Example: milestone config set lock_timeout=60 keep_last=20
    """
    from milestone_cli.errors import MilestoneError

    changes: list[tuple[str, str | None]] = []
    for word in assignments:
        name, mark, value = word.partition("=")
        if not mark:
            hint = "write for example lock_timeout=60"
            raise MilestoneError("usage", f"'{word[:140]}' is not KEY=VALUE", hint)
        changes.append((name.strip(), value))
    _change(changes, idempotency_key, lock_timeout, output)


def unset(
    names: "SettingNames",
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Remove settings from config.yaml, so that their defaults apply; unknown names too.

    Example: milestone config unset lock_timeout
    """
    _change([(name, None) for name in names], idempotency_key, lock_timeout, output)


def _change(
    changes: "list[tuple[str, str | None]]",
    key: "str | None",
    timeout: "float | None",
    output: str,
) -> None:
    from milestone_cli import render, runtime
    from milestone_cli.core.configuration.declared import BY_NAME
    from milestone_cli.core.configuration.editing import change
    from milestone_cli.render.config import change_text
    from milestone_cli.storage import open_store

    done = change(open_store(), changes, key=key, timeout=timeout)
    variables = [BY_NAME[name].variable for name, _ in changes if name in BY_NAME]
    render.notify([f"{one} is set, and goes before config.yaml" for one in variables if runtime.env(one)])
    render.emit("config-set", done, change_text(done), output)


def edit(file: "FromDraft" = None, editor: "Editor" = None, output: "Format" = "text") -> None:
    """Edit config.yaml in an editor; what you wrote takes effect as a whole, once it is valid.

    If there is no file yet, it begins with all settings as comments. At a terminal a mistake can be corrected at once;
    otherwise what you wrote is kept in a file, and --from FILE goes on with it.

    Example: milestone config edit --editor "sed -i 's/# keep_last: 10/keep_last: 20/'"
    """
    from milestone_cli import render, runtime
    from milestone_cli.core.configuration.draft import Draft
    from milestone_cli.storage import open_store

    begun = None
    if file is not None:
        from .data import read_data

        begun = read_data("@" + file).decode("utf-8", "replace")
    draft = Draft(open_store(), begun)
    draft.edit(editor)
    while found := draft.problems():
        if not (runtime.is_terminal(0) and runtime.is_terminal(2)) or not _again(found):
            from milestone_cli.core.configuration.reading import failure

            raise draft.refused(failure(found))
        draft.edit(editor)
    if not draft.is_changed():
        draft.drop()
        fields: dict[str, object] = {"changed": False, "transaction_id": None}
        render.emit("config-edit", fields, "config.yaml is as it was", output)
        return
    done = draft.put()
    fields = {"changed": True, "transaction_id": done["transaction_id"]}
    render.emit("config-edit", fields, f"config.yaml changed ({done['transaction_id']})", output)


def _again(found: "list[Problem]") -> bool:
    """Show what is wrong, and ask whether it shall be mended now."""
    import os
    import sys

    from milestone_cli.render.config import problems_text
    from milestone_cli.render.text import clean

    sys.stderr.write(f"{clean(problems_text('config.yaml', found))}\n\nEdit again? [Y/n] ")
    sys.stderr.flush()
    answer = os.read(0, 1024).decode("utf-8", "replace").strip().lower()
    return answer in ("", "y", "yes")


def validate(file: "ConfigFile" = None, output: "Format" = "text") -> int:
    """Check config.yaml and the variables MILESTONE_*, or a file; show every problem, and exit 5 if there is one.

    One line for each: where it is, what is wrong, what to do.

    Example: milestone config validate
    """
    from milestone_cli import render
    from milestone_cli.render.config import problems_text

    if file is None:
        from milestone_cli.core.configuration.in_force import examine
        from milestone_cli.core.configuration.reading import FILE
        from milestone_cli.storage import open_store

        name, found = FILE, examine(open_store())[1]
    else:
        from milestone_cli.core.configuration.reading import examine as examine_file

        from .data import read_data

        name, found = file, examine_file(read_data("-" if file == "-" else "@" + file), file)[1]
    fields: dict[str, object] = {"file": name, "valid": not found, "problems": [one.fields() for one in found]}
    render.emit("config-validate", fields, problems_text(name, found), output)
    return 5 if found else 0


def schema() -> None:
    """Print the JSON Schema of config.yaml, for editors.

    Save it beside config.yaml as config.schema.json. An editor with the YAML language server then uses it if the first
    line of config.yaml is "# yaml-language-server: $schema=config.schema.json".

    Example: milestone config schema
    """
    from milestone_cli import render
    from milestone_cli.core.configuration.schema import schema as made
    from milestone_cli.jsontext import dumps
    from milestone_cli.render.document import pretty

    render.write(pretty(dumps(made()).encode(), 2))
