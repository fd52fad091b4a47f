"""The few functions of libpq that a store needs, called through ctypes.

Importing psycopg costs a dozen times what the whole rest of a command does (measured: 270 ms beside 20), so the library
that its wheel brings along is used itself; where there is none, the system's. What TLS, passwords, service files and
several hosts mean, libpq alone decides.

Source: https://www.postgresql.org/docs/current/libpq.html
"""

import ctypes
import os
import sys

from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BAD = 1
"""Status of a connection."""
POLL_READING, POLL_WRITING, POLL_OK = 1, 2, 3
EMPTY, COMMAND, ROWS, ERROR, SYNC = 0, 1, 2, 7, 10
"""Status of a result."""
SQLSTATE, PRIMARY, DETAIL = ord("C"), ord("M"), ord("D")
"""Fields of an error."""
BYTEA, BYTEA_ARRAY = 17, 1001
"""Object ids of types."""

P, S, N = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
SIGNATURES: "dict[str, tuple[Any, ...]]" = {
    "PQconnectStartParams": (P, P, P, N),
    "PQconnectPoll": (N, P),
    "PQconninfoParse": (P, S, P),
    "PQconninfoFree": (None, P),
    "PQstatus": (N, P),
    "PQsocket": (N, P),
    "PQhost": (S, P),
    "PQport": (S, P),
    "PQuser": (S, P),
    "PQdb": (S, P),
    "PQsslInUse": (N, P),
    "PQbackendPID": (N, P),
    "PQserverVersion": (N, P),
    "PQerrorMessage": (S, P),
    "PQfinish": (None, P),
    "PQsetnonblocking": (N, P, N),
    "PQenterPipelineMode": (N, P),
    "PQpipelineSync": (N, P),
    "PQflush": (N, P),
    "PQsendQueryParams": (N, P, S, N, P, P, P, P, N),
    "PQconsumeInput": (N, P),
    "PQisBusy": (N, P),
    "PQgetResult": (P, P),
    "PQresultStatus": (N, P),
    "PQresultErrorField": (S, P, N),
    "PQntuples": (N, P),
    "PQnfields": (N, P),
    "PQgetisnull": (N, P, N, N),
    "PQgetlength": (N, P, N, N),
    "PQgetvalue": (P, P, N, N),
    "PQclear": (None, P),
    "PQfreemem": (None, P),
    "PQsetNoticeProcessor": (P, P, P, P),
    "PQlibVersion": (N,),
    "PQnotifies": (P, P),
}


class _Option(ctypes.Structure):
    """`PQconninfoOption`."""

    _fields_ = [(name, S) for name in ("keyword", "envvar", "compiled", "val", "label", "dispchar")] + [("dispsize", N)]


def _candidates() -> "list[str]":
    """Where libpq may be: beside psycopg_binary, wherever Python finds packages; then where the system has it."""
    found = []
    for folder in sys.path:
        for inside in ("psycopg_binary.libs", "psycopg_binary/.dylibs"):
            try:
                names = os.listdir(f"{folder}/{inside}") if folder else []
            except OSError:
                continue
            found += [f"{folder}/{inside}/{name}" for name in sorted(names) if name.startswith("libpq")]
    return [*found, "libpq.5.dylib" if sys.platform == "darwin" else "libpq.so.5"]


def _load() -> "Any":
    for place in _candidates():
        try:
            library = ctypes.CDLL(place)
        except OSError:
            continue
        for name, (result, *arguments) in SIGNATURES.items():
            try:
                function = getattr(library, name)
            except AttributeError:
                break  # older than PostgreSQL 14, which has no pipelines
            function.restype = result
            function.argtypes = arguments
        else:
            return library
    raise MilestoneError(
        "missing_extra",
        "a store in PostgreSQL needs psycopg, which is not installed",
        "`pip install 'milestone-cli[postgres]'` installs it",
    )


pq = _load()
"""The library, every function of `SIGNATURES` declared."""


_silent = ctypes.CFUNCTYPE(None, P, S)(lambda *_: None)
"""Takes what the server remarks, which libpq would print on standard error."""


def start(options: "dict[str, str]") -> int:
    """Begin a connection without waiting; the last option overrides what the URL in `dbname` says.

    Returns:
        The connection, for `pq`; its status says whether that failed already.

    Raises:
        MemoryError: when libpq has none left.
    """
    words = ctypes.c_char_p * (len(options) + 1)
    names = words(*(name.encode() for name in options), None)
    values = words(*(value.encode("utf-8", "surrogateescape") for value in options.values()), None)
    connection = pq.PQconnectStartParams(ctypes.cast(names, P), ctypes.cast(values, P), 1)
    if not connection:
        raise MemoryError
    pq.PQsetNoticeProcessor(connection, ctypes.cast(_silent, P), None)
    return int(connection)


def parse(url: str) -> "dict[str, str] | None":
    """What a URL or a connection string says, as libpq reads it; None when it cannot be read.

    Its own message is not passed on: it may quote the password.
    """
    problem = ctypes.c_char_p()
    options = pq.PQconninfoParse(url.encode("utf-8", "surrogateescape"), ctypes.byref(problem))
    if not options:
        return None
    found = {}
    at = ctypes.cast(options, ctypes.POINTER(_Option))
    index = 0
    while at[index].keyword:
        if at[index].val is not None:
            found[at[index].keyword.decode()] = at[index].val.decode("utf-8", "replace")
        index += 1
    pq.PQconninfoFree(options)
    return found


def send(connection: int, statement: str, values: "tuple[object, ...]") -> bool:
    """Queue a statement; values are text, numbers, None, or bytes and lists of bytes, which go as they are."""
    count = len(values)
    types, texts = (ctypes.c_uint * count)(), (ctypes.c_char_p * count)()
    lengths, formats = (ctypes.c_int * count)(), (ctypes.c_int * count)()
    for index, value in enumerate(values):
        if value is None:
            continue
        if isinstance(value, bytes | list):
            raw = value if isinstance(value, bytes) else array(value)
            types[index] = BYTEA if isinstance(value, bytes) else BYTEA_ARRAY
            formats[index] = 1
        else:
            raw = str(value).encode("utf-8", "surrogateescape")
        texts[index], lengths[index] = raw, len(raw)
    casts = [ctypes.cast(one, P) for one in (types, texts, lengths, formats)]
    return bool(pq.PQsendQueryParams(connection, statement.encode(), count, *casts, 1))


def array(values: "list[bytes]") -> bytes:
    """Byte strings as PostgreSQL receives an array: dimensions, no nulls, type, length, lower bound; then each one.

    Source: array_recv in src/backend/utils/adt/arrayfuncs.c.
    """
    number = int.to_bytes
    if not values:
        return number(0, 4) + number(0, 4) + number(BYTEA, 4)
    head = number(1, 4) + number(0, 4) + number(BYTEA, 4) + number(len(values), 4) + number(1, 4)
    return head + b"".join([number(len(one), 4) + one for one in values])


def rows(result: int) -> "list[tuple[bytes | None, ...]]":
    """All rows of a result, every value as its binary form."""
    width = range(pq.PQnfields(result))
    return [
        tuple(
            None
            if pq.PQgetisnull(result, row, column)
            else ctypes.string_at(pq.PQgetvalue(result, row, column), pq.PQgetlength(result, row, column))
            for column in width
        )
        for row in range(pq.PQntuples(result))
    ]


def field(result: int, code: int) -> str:
    """A field of an error; empty when it has none."""
    raw = pq.PQresultErrorField(result, code)
    return raw.decode("utf-8", "replace") if raw else ""
