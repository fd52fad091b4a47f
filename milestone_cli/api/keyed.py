"""The keyed state of a session as a Python program sees it: a mapping that outlives the program."""

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from milestone_cli.api.behind import Setting
from milestone_cli.api.values import text_of
from milestone_cli.core.sessions import keyed
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import first_value, loads, members, skip

if TYPE_CHECKING:
    from milestone_cli.api.store import Store


class KeyedState(MutableMapping[str, Any]):
    """The keyed state of a session: any text is a key, any JSON value a value.

    Each change is one event, so all of them can be looked at. Setting keys of the same session from many places at once
    loses none of them; of one key the last one stays.
    """

    __slots__ = ("_id", "_store")

    def __init__(self, store: "Store", id: str) -> None:  # noqa: A002
        self._store = store
        self._id = id

    def __getitem__(self, key: str) -> Any:
        text = self._text()
        for name, _, start, _ in members(text, skip(text, 0)):
            if name == key:
                return first_value(text, start)[0]
        raise KeyError(key)

    def __setitem__(self, key: str, value: object) -> None:
        self._set([(_pointer(key), text_of(value))])

    def __delitem__(self, key: str) -> None:
        try:
            self._store.run(lambda store: keyed.remove(store, self._id, key, timeout=self._store.timeout))
        except MilestoneError as error:
            if error.code == "path_not_found":
                raise KeyError(key) from None
            raise

    def __iter__(self) -> Iterator[str]:
        return iter(self.copy())

    def __len__(self) -> int:
        return len(self.copy())

    def __repr__(self) -> str:
        return f"KeyedState({self.copy()!r})"

    def copy(self) -> dict[str, Any]:
        """All of it, as it is now."""
        found = loads(self._text())
        return found if isinstance(found, dict) else {}

    def assign(self, values: "dict[str, Any]") -> None:
        """Set several values at once: all of them or none.

        Raises:
            MilestoneError: `not_found`, `conflict` when the session has ended, `invalid_data`, `too_large`.
        """
        if values:
            self._set([(_pointer(key), text_of(value)) for key, value in values.items()])

    def _set(self, pairs: "list[tuple[str, str]]") -> None:
        if not self._store.later(Setting(self._id, pairs)):
            timeout = self._store.timeout
            self._store.run(lambda store: keyed.assign(store, self._id, pairs, timeout=timeout))

    def _text(self) -> str:
        return self._store.run(lambda store: self._store.records.state(store, self._id))


def _pointer(key: str) -> str:
    """A key as a JSON pointer, so that dots in it are no path."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
