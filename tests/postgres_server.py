"""A real PostgreSQL server of the tests' own: started in a second, without root's help, shared by all workers.

The data directory is new, the server listens on a port of 127.0.0.1 that was free and on a socket in a private folder,
and what it acknowledges is synced to the disk, as in earnest.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

ROLE = "milestone"
PASSWORD = "correct-horse:battery@staple"
QUOTED = "correct-horse%3Abattery%40staple"
TUNING = "-c max_connections=200 -c shared_buffers=64MB"


def binaries() -> Path | None:
    """Where the newest PostgreSQL of this machine has its programs; None when it has none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def need_binaries() -> Path:
    """The same, or a test that cannot run here."""
    found = binaries()
    if found is None:
        pytest.skip("no PostgreSQL server is installed; apt-get install postgresql")
    return found


def as_other_user() -> list[str]:
    """What goes before a program of the server, which refuses to run as root."""
    if os.geteuid():
        return []
    name = (
        "postgres" if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode == 0 else "nobody"
    )
    return ["setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups", "--"]


class Server:
    """A server in a folder; `start` makes it on first use.

    Attributes:
        folder: holds the data, the socket and the log.
        port: of 127.0.0.1, and in the socket's name.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.port = port
        self.extra = ""

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [*as_other_user(), str(need_binaries() / program), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            cwd=self.folder, timeout=180,
        )  # fmt: skip
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program}: {done.stdout}\n{log.read_text() if log.exists() else ''}")

    def create(self) -> None:
        """Make the data directory."""
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if not os.geteuid():
            name = as_other_user()[1].removeprefix("--reuid=")
            shutil.chown(self.folder, name)
            shutil.chown(secret, name)
        self._run(
            "initdb", "-D", str(self.data), "-U", ROLE, "--auth-local=trust", "--auth-host=scram-sha-256",
            f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8", "-k", "--no-instructions",
        )  # fmt: skip

    def start(self) -> None:
        """Start it and wait until it answers; another process may take the port meanwhile, so try a few."""
        is_known = bool(self.port)
        for attempt in range(5):
            if not self.port:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", 0))
                    self.port = probe.getsockname()[1]
            options = f"-p {self.port} -c listen_addresses={self.extra or '127.0.0.1'} {TUNING}"
            options += f" -c unix_socket_directories={self.folder}"
            try:
                self._run(
                    "pg_ctl",
                    "-D",
                    str(self.data),
                    "-l",
                    str(self.folder / "log"),
                    "-w",
                    "-t",
                    "30",
                    "-o",
                    options,
                    "start",
                )
            except RuntimeError:
                if attempt == 4:
                    raise
                if not is_known:
                    self.port = 0
                time.sleep(0.2)
            else:
                return

    def stop(self, how: str = "fast") -> None:
        """Stop it: `fast` disconnects everybody, `immediate` is a crash that cleans up its processes."""
        self._run("pg_ctl", "-D", str(self.data), "-m", how, "-w", "-t", "30", "stop")

    def kill(self) -> None:
        """Kill every process of the server with SIGKILL, as when the machine's power goes; memory goes with them."""
        os.kill(self.pid(), signal.SIGSTOP)  # so that no more are started
        pids = [*self.children(), self.pid()]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for pid in pids:
            while _runs(pid):
                time.sleep(0.005)
        # What is dead has still its number until it is collected, and a server is not started beside that number.
        until = time.monotonic() + 20
        while os.path.exists(f"/proc/{pids[-1]}") and time.monotonic() < until:
            time.sleep(0.005)

    def pid(self) -> int:
        """Process id of the server."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def children(self) -> list[int]:
        """Process ids of what the server has started."""
        pid = self.pid()
        try:
            return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:
            return []

    def url(self, database: str, project: str = "", host: str = "", user: str = ROLE, password: str = QUOTED) -> str:
        """The URL of a store, over TCP with a password."""
        return f"postgresql://{user}:{password}@{host or '127.0.0.1'}:{self.port}/{database}" + (
            f"#{project}" if project else ""
        )

    def local(self, database: str, project: str = "") -> str:
        """The URL of a store, over the socket, which needs no password."""
        folder = str(self.folder).replace("/", "%2F")
        return f"postgresql://{ROLE}@{folder}:{self.port}/{database}" + (f"#{project}" if project else "")

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run SQL as the superuser, through the server's own client; one value a line, columns parted by `|`."""
        done = subprocess.run(
            [str(need_binaries() / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder),
             "-p", str(self.port), "-U", ROLE, "-d", database, "-c", text],
            capture_output=True, text=True, check=False, timeout=180,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")


def _runs(pid: int) -> bool:
    """Whether a process is still at work; what nobody has collected yet is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}


WATCH = """
while kill -0 "$1" && [ -d "$2" ]; do sleep 1; done
[ -d "$2" ] && kill -QUIT "$(head -n 1 "$2/server/data/postmaster.pid")"; rm -rf "$2"
"""
"""Stops a server once a process is gone, unless it was stopped already."""


def shared(folder: Path, owner: int) -> Server:
    """The server of this run of the tests, started by whoever asks first.

    Args:
        folder: of the run.
        owner: process whose end is the run's.
    """
    from filelock import FileLock

    need_binaries()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    note = folder / "port"
    with FileLock(str(folder / "lock")):
        if note.exists():
            return Server(folder / "server", int(note.read_text()))
        server = Server(folder / "server")
        # Were the run killed, nobody would stop the server: so this waits for the end of its first process.
        subprocess.run(
            ["sh", "-c", f"({WATCH}) < /dev/null > /dev/null 2>&1 &", "sh", str(owner), str(folder)],
            start_new_session=True, check=True,
        )  # fmt: skip
        server.create()
        server.start()
        note.write_text(str(server.port))
        return server


def stop_shared(folder: Path) -> None:
    """Stop it at the end of the run, when it was started, and remove its data."""
    if (folder / "port").exists():
        Server(folder / "server").stop("immediate")
    shutil.rmtree(folder, ignore_errors=True)
