"""A configuration in somebody's editor: a file of its own, which stays until what was typed is in the store.

Whatever keeps it from getting there (a mistake, an editor that fails, somebody else's change), the file is named.
"""

import os

from milestone_cli import runtime
from milestone_cli.core.configuration.declared import SETTINGS
from milestone_cli.core.configuration.editing import read, replace
from milestone_cli.core.configuration.reading import examine
from milestone_cli.core.configuration.splicing import HEADER
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.places import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.configuration.reading import Problem
    from milestone_cli.storage.contract import Store

FALLBACK = "vi"
LARGEST = 1 << 20
"""Bytes of a draft that are read."""


def template() -> str:
    """What an empty configuration is begun from: every setting, with its built-in value, as a comment."""
    lines = [f"#\n# {one.meaning}: {one.kind.told}\n# {one.name}: {one.default}\n" for one in SETTINGS]
    return HEADER + "".join(lines)


class Draft:
    """A text that is being edited.

    Attributes:
        path: of its file.
    """

    __slots__ = ("_before", "_begun", "_store", "path")

    def __init__(self, store: "Store", begun: "str | None" = None) -> None:
        """Write what is there, or another text to begin with, into a file for its owner alone."""
        self._store = store
        self._before = read(store)
        self._begun = self._before or template()
        folder = _folder(store.path)
        now = runtime.timestamp(runtime.now_ns())[:19].replace("-", "").replace(":", "").replace("T", "-")
        self.path = f"{folder}/config-{now}-{runtime.token()[:8]}.yaml"
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write((self._begun if begun is None else begun).encode())

    def edit(self, editor: "str | None" = None) -> None:
        """Open it in an editor, else $VISUAL, $EDITOR or vi, and wait for the end.

        Raises:
            MilestoneError: `unexpected` when the editor fails.
        """
        import signal
        import subprocess

        editor = editor or runtime.env("VISUAL") or runtime.env("EDITOR") or FALLBACK
        before = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C belongs to the editor
        try:
            words = ["sh", "-c", f'{editor} "$@"', editor, self.path]  # as git does: an editor may have options
            output = None if runtime.is_terminal(1) else 2
            code = subprocess.run(words, check=False, stdout=output).returncode  # noqa: S603
        finally:
            signal.signal(signal.SIGINT, before)
        if code:
            raise self.refused(
                MilestoneError(
                    "unexpected", f"the editor '{editor[:140]}' ended with exit {code}", "--editor names another one"
                )
            )

    def text(self) -> str:
        """What is in the file now.

        Raises:
            MilestoneError: `invalid_config` for what is no text, or too large.
        """
        with open(self.path, "rb") as file:
            raw = file.read(LARGEST + 1)
        try:
            if len(raw) <= LARGEST:
                return raw.decode()
        except UnicodeDecodeError:
            pass
        raise self.refused(
            MilestoneError("invalid_config", "this is not UTF-8, or more than 1 MiB", "save it as UTF-8")
        )

    def problems(self) -> "list[Problem]":
        """What is wrong with it."""
        return examine(self.text().encode())[1]

    def is_changed(self) -> bool:
        """Whether it is something else than what is in force."""
        return self.text() not in (self._before, self._begun)

    def put(self) -> "dict[str, object]":
        """Put it into the store, and take the file away; see `editing.replace`."""
        try:
            done = replace(self._store, self._before, self.text())
        except MilestoneError as error:
            raise self.refused(error) from None
        self.drop()
        return done

    def drop(self) -> None:
        """Take the file away."""
        os.unlink(self.path)

    def refused(self, error: MilestoneError) -> MilestoneError:
        """The same error, with where what was typed is; the file goes where nothing was typed."""
        with open(self.path, "rb") as file:
            typed = file.read(LARGEST + 1) not in (self._before.encode(), self._begun.encode())
        if not typed:
            self.drop()
            return error
        hint = f"what you wrote is kept: `milestone config edit --from {self.path}` goes on with it"
        hint += f"; {error.hint}" if error.hint else ""
        return MilestoneError(error.code, error.message, hint, **{**error.details, "draft": self.path})


def _folder(store: str) -> str:
    """Where drafts of a store are: the user's own folder for its things, else that for temporary files."""
    inside = f"{store}/spool"
    for place in places(store):
        if place != inside:
            try:
                os.makedirs(place, 0o700, exist_ok=True)
            except OSError:
                continue
            return place
    import tempfile

    return tempfile.gettempdir()
