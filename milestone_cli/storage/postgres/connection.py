"""One connection to the server: every wait has an end, and every failure becomes an error of ours.

Invariants: nothing here waits longer than its deadline, whatever the network does; a connection on which anything went
wrong below SQL is closed and never used again; no message holds a password.
"""

import select

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.postgres import libpq
from milestone_cli.storage.postgres.libpq import pq
from milestone_cli.storage.postgres.url import SECRET, mask, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    Row = tuple[bytes | None, ...]
    Statement = tuple[str, tuple[object, ...]]

CONNECT = 10.0
"""Seconds for one attempt to connect, unless the URL or PGCONNECT_TIMEOUT says otherwise."""
PATIENCE = 5.0
"""Seconds in which a server that refuses connections may come back: a restart takes one or two."""
ANSWER = 30.0
"""Seconds to wait for an answer beyond what a statement may wait for locks, unless MILESTONE_ANSWER_TIMEOUT says."""
UNREACHABLE_HINT = "check that the server runs and can be reached; what was acknowledged is safe"
BEGIN: "Statement" = ("BEGIN ISOLATION LEVEL READ COMMITTED", ())
"""Begins a transaction. What is waited for is seen, whatever the server's default: another level looks before it."""
COMING_BACK = ("starting up", "shutting down", "recovery mode", "too many clients", "connection slots")


class LostError(MilestoneError):
    """The connection broke, or the server gave up the transaction; what was not committed is undone."""

    def __init__(self, message: str, hint: str = UNREACHABLE_HINT) -> None:
        super().__init__("store_unreachable", message, hint)


class RefusedError(MilestoneError):
    """The server refused a statement.

    Attributes:
        sqlstate: five characters.
        detail: what the server says beside the message; our own functions put data there.
    """

    def __init__(self, sqlstate: str, message: str, detail: str) -> None:
        code, told, hint = _meaning(sqlstate, message)
        super().__init__(code, told, hint, sqlstate=sqlstate)
        self.sqlstate = sqlstate
        self.detail = detail


def _meaning(sqlstate: str, message: str) -> "tuple[str, str, str]":
    """Code, message and hint for a SQLSTATE.

    Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    told = " ".join(mask(message).split())
    if sqlstate == "57014":
        return "store_unreachable", f"the server gave up: {told}", "try again; it may be busy"
    if sqlstate in ("42501", "25006"):
        return "store_unreachable", f"the server does not permit it: {told}", "`milestone store info` shows the rights"
    if sqlstate[:2] in ("53", "58", "XX"):
        return "store_unreachable", f"the server cannot do it: {told}", "what was acknowledged is safe"
    if sqlstate in ("3F000", "42P01", "42883", "42704"):
        return "no_store", f"the database holds no store of milestone: {told}", "`milestone store init` makes one"
    return "unexpected", f"the server refused a statement ({sqlstate}): {told}", ""


class Connection:
    """A connection, open from the start.

    Attributes:
        is_open: it can still be used.
    """

    def __init__(self, url: str, deadline: float) -> None:
        """Connect, trying again for a while when the server refuses.

        Args:
            url: as libpq takes it.
            deadline: on the monotonic clock, when to stop waiting at the latest.

        Raises:
            LostError: when there is no connection in time.
            MilestoneError: `invalid_config` when the URL cannot be read; `missing_extra`.
        """
        self.is_open = False
        self._pq = 0
        said = libpq.parse(url)
        if said is None or not said.get("port", "1").replace(",", "0").isdigit():
            raise unreadable()
        self._secrets = [word for name in ("password", "sslpassword") if (word := said.get(name))]
        seconds = _seconds(said.get("connect_timeout") or runtime.env("PGCONNECT_TIMEOUT"), CONNECT)
        patience = runtime.monotonic() + min(PATIENCE, seconds)
        pause = 0.05
        hosts = (said.get("host") or runtime.env("PGHOST") or "").split(",")
        while True:
            why, is_final = self._attempt(url, said, hosts, min(deadline, runtime.monotonic() + seconds))
            if self.is_open:
                return
            if is_final or runtime.monotonic() + pause > min(patience, deadline):
                raise LostError(f"the server cannot be reached: {why}")
            runtime.sleep(pause)
            pause = min(2 * pause, 0.5)

    def _attempt(self, url: str, said: "dict[str, str]", hosts: "list[str]", deadline: float) -> "tuple[str, bool]":
        """Try once; a host that does not answer at all is left out, since libpq would wait for it alone.

        Returns:
            Why it failed, and whether trying again cannot help; an empty word when it is open.
        """
        options = {
            "fallback_application_name": "milestone",
            "tcp_user_timeout": "15000",
            "keepalives_idle": "5",
            "keepalives_interval": "3",
            "keepalives_count": "3",
            "dbname": url,
            "client_encoding": "UTF8",
        }
        share = (deadline - runtime.monotonic()) / max(1, len(hosts))
        for left in range(len(hosts), 0, -1):
            if left < len(hosts):
                _drop_hosts(options, said, len(hosts) - left)
            self._pq = libpq.start(options)
            until = min(deadline, runtime.monotonic() + share) if len(hosts) > 1 else deadline
            if self._poll(until):
                self.is_open = True
                pq.PQsetnonblocking(self._pq, 1)
                pq.PQenterPipelineMode(self._pq)
                return "", False
            why = self._plain()
            where = (pq.PQhost(self._pq) or b"").decode("utf-8", "replace")
            self.close()
            if why:
                is_final = "FATAL" in why and not any(word in why for word in COMING_BACK)
                return why, is_final
        return f"{where or 'it'} did not answer in time", True

    def _poll(self, deadline: float) -> bool:
        if pq.PQstatus(self._pq) == libpq.BAD:
            return False
        wanted = libpq.POLL_WRITING
        while wanted in (libpq.POLL_READING, libpq.POLL_WRITING):
            if not self._ready(select.POLLIN if wanted == libpq.POLL_READING else select.POLLOUT, deadline):
                return False
            wanted = pq.PQconnectPoll(self._pq)
        return bool(wanted == libpq.POLL_OK)

    def _ready(self, events: int, deadline: float) -> int:
        """Wait until the socket can be read or written; 0 when the deadline passes first."""
        poll = select.poll()
        poll.register(pq.PQsocket(self._pq), events)
        left = deadline - runtime.monotonic()
        found = poll.poll(max(0, left) * 1000)
        return found[0][1] if found else 0

    def close(self) -> None:
        """End the connection; what was not committed is undone by the server."""
        self.is_open = False
        if self._pq:
            number, self._pq = self._pq, 0
            pq.PQfinish(number)

    def __del__(self) -> None:
        self.close()

    def query(self, statement: str, *values: object, wait: float = 0.0, answer: float = 0.0) -> "list[Row]":
        """Do one statement; outside of a transaction it is one of its own.

        Args:
            statement: SQL with $1, $2, …
            values: text, numbers, None, bytes, lists of bytes.
            wait: seconds that it may wait for locks.
            answer: seconds to wait for the answer beyond that; 0: as configured.
        """
        return self.pipeline([(statement, values)], wait, answer)[0]

    def pipeline(self, statements: "list[Statement]", wait: float = 0.0, answer: float = 0.0) -> "list[list[Row]]":
        """Do several statements in one round trip; after one that fails the others are not done.

        Raises:
            LostError, RefusedError.
        """
        answer = answer or _seconds(runtime.env("MILESTONE_ANSWER_TIMEOUT"), ANSWER)
        deadline = runtime.monotonic() + wait + answer
        try:
            for statement, values in statements:
                if not libpq.send(self._pq, statement, values):
                    raise self._lost()  # noqa: TRY301 - and closed below
            pq.PQpipelineSync(self._pq)
            return self._answers(deadline)
        except RefusedError:
            raise
        except BaseException:
            self.close()
            raise

    def transaction(self, statements: "list[Statement]", wait: float = 0.0) -> "list[list[Row]]":
        """Do several statements as one transaction, in one round trip; where one is refused, none is done.

        Raises:
            LostError, RefusedError.
        """
        try:
            return self.pipeline([BEGIN, *statements, ("COMMIT", ())], wait)[1:-1]
        except RefusedError:
            self.query("ROLLBACK")
            raise

    def _answers(self, deadline: float) -> "list[list[Row]]":
        found: list[list[Row]] = []
        error: RefusedError | LostError | None = None
        while True:
            self._receive(deadline)
            result = pq.PQgetResult(self._pq)
            if not result:
                if pq.PQstatus(self._pq) == libpq.BAD:
                    raise error or self._lost()
                continue  # the end of one statement's results
            try:
                status = pq.PQresultStatus(result)
                if status == libpq.SYNC:
                    break
                if status == libpq.ROWS:
                    found.append(libpq.rows(result))
                elif status in (libpq.COMMAND, libpq.EMPTY):
                    found.append([])
                elif status == libpq.ERROR:
                    error = error or _error(result)
            finally:
                pq.PQclear(result)
        if error is not None:
            raise error
        return found

    def _receive(self, deadline: float) -> None:
        """Send what is queued, and wait until a result is whole."""
        flush = pq.PQflush(self._pq)
        while flush or pq.PQisBusy(self._pq):
            if flush < 0:
                raise self._lost()
            ready = self._ready(select.POLLIN | (select.POLLOUT if flush else 0), deadline)
            if not ready:
                raise LostError("the server did not answer in time")
            if ready & ~select.POLLOUT and not pq.PQconsumeInput(self._pq):
                raise self._lost()
            flush = pq.PQflush(self._pq)

    def told(self) -> bool:
        """Whether the server has told of something that is listened for; what it told is forgotten.

        Raises:
            LostError: when the connection broke.
        """
        if not pq.PQconsumeInput(self._pq):
            error = self._lost()
            self.close()
            raise error
        found = False
        while note := pq.PQnotifies(self._pq):
            pq.PQfreemem(note)
            found = True
        return found

    def socket(self) -> int:
        """The descriptor to wait on until the server tells something."""
        return int(pq.PQsocket(self._pq))

    def _lost(self) -> LostError:
        why = self._plain() if self._pq else ""
        return LostError(f"the connection to the server broke: {why}" if why else "the connection to the server broke")

    def _plain(self) -> str:
        """What libpq says went wrong, in one line; passwords are never in it, and taken out all the same."""
        told = " ".join(mask((pq.PQerrorMessage(self._pq) or b"").decode("utf-8", "replace")).split())
        for word in self._secrets:
            told = told.replace(word, SECRET)
        return told

    def about(self) -> "dict[str, object]":
        """What this connection is: host, port, user, database, TLS, versions."""

        def word(raw: "bytes | None") -> "str | None":
            return raw.decode("utf-8", "replace") if raw else None

        number = pq.PQserverVersion(self._pq)
        return {
            "host": word(pq.PQhost(self._pq)),
            "port": word(pq.PQport(self._pq)),
            "user": word(pq.PQuser(self._pq)),
            "database": word(pq.PQdb(self._pq)),
            "tls": bool(pq.PQsslInUse(self._pq)),
            "server_version": f"{number // 10000}.{number % 10000}",
            "backend": int(pq.PQbackendPID(self._pq)),
        }


def _drop_hosts(options: "dict[str, str]", said: "dict[str, str]", count: int) -> None:
    """Leave out the first hosts of several; what stands behind `dbname` overrides it."""
    for name in ("host", "hostaddr", "port"):
        words = said.get(name, "").split(",")
        if len(words) > 1:
            options[name] = ",".join(words[count:])


def _seconds(word: "str | None", default: float) -> float:
    """A number of seconds; the default for none, and for 0, which libpq takes for ever."""
    try:
        seconds = float(word or 0)
    except ValueError:
        seconds = 0.0
    return seconds if 0 < seconds < 1e6 else default


def _error(result: int) -> "RefusedError | LostError":
    state, message, detail = (libpq.field(result, code) for code in (libpq.SQLSTATE, libpq.PRIMARY, libpq.DETAIL))
    told = " ".join(mask(message).split())
    if state[:2] == "08" or state in ("57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "40001", "40P01", ""):
        return LostError(f"the server ended the connection: {told}")
    return RefusedError(state, message, detail)
