"""Promise 9 where it is hardest to keep: a disk that holds whoever touches it, and no place left to let a call wait."""

import json
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import MILESTONE, Cli, clean_environment
from disks import Disk, Impossible, in_private
from hooked import CLIENT, PAYLOADS, STATE, Hooks, payload
from test_hook_faults import SLOW, durations, hooks, tool

__all__ = ["hooks"]  # a fixture

CALM = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
PRESSED = "some avg10=50.00 avg60=9.00 avg300=1.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
PRESSURE = Path("/proc/pressure/io")


@pytest.mark.slow  # a frozen disk is felt by every other test
def test_a_disk_that_holds_everybody_does_not_hold_the_client(tmp_path: Path, home: Path) -> None:
    """A frozen file system: who writes to it cannot even be killed. The kernel says beforehand that disks are slow."""
    with ThreadPoolExecutor(1) as pool:  # the thread's mounts are its own
        try:
            pool.submit(_frozen, tmp_path, home).result()
        except Impossible as why:
            pytest.skip(f"impossible here: {why}")


def _frozen(tmp_path: Path, home: Path) -> None:
    in_private()
    if not PRESSURE.exists():
        raise Impossible("the kernel says nothing of pressure")
    (tmp_path / "io").write_text(PRESSED)
    _mount("--bind", str(tmp_path / "io"), str(PRESSURE))
    with Disk("ext4") as disk:
        place = disk.path / "project"
        place.mkdir()
        found = Hooks(_cli(place, home), place, home)
        found.cli("init", "demo", check=True)
        found.cli("state", "save", "demo", json.dumps(STATE), check=True)
        said = found.call("SessionStart.startup", session_id=CLIENT)
        assert "Ship it." in said, "told by the process that works, printed by the one that waits"
        subprocess.run(["fsfreeze", "--freeze", str(disk.path)], check=True)
        thaw = ["fsfreeze", "--unfreeze", str(disk.path)]
        late = subprocess.Popen(["sh", "-c", f'sleep {1.5 * SLOW}; "$@"', "sh", *thaw])  # whoever is held, holds us
        try:
            began = time.monotonic()
            for number in range(3):
                done = found.run(tool(number), "--deadline", "0.5")
                assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
            found.call("SessionEnd.other", "--deadline", "0.5", session_id=CLIENT)
            assert time.monotonic() - began < SLOW
        finally:
            late.kill()
            late.wait()
            subprocess.run(thaw, check=True)
        while len(durations(found)) < 3 or "session_ended" not in found.types() or found.waiting():
            # whoever was held goes on when the machine lets it, and records its call or lets it wait
            assert time.monotonic() - began < 3 * SLOW, found.problems()
            found.call("Notification.idle_prompt", session_id=CLIENT)
        assert sorted(durations(found)) == [0, 1, 2]
        assert found.types().count("session_ended") == 1
        found.verify()


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Impossible(done.stderr.strip())


def _cli(place: Path, home: Path) -> Cli:
    """The fixture's command, started from the calling thread, which has mounts of its own."""

    def run(
        *args: str,
        input: str | bytes | None = None,  # noqa: A002
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        check: bool = False,
        timeout: float = 60,
    ) -> "subprocess.CompletedProcess[bytes]":
        given = input.encode() if isinstance(input, str) else input
        return subprocess.run(
            [str(MILESTONE), *args], input=given or b"", env=clean_environment(home, **(env or {})), cwd=cwd or place,
            check=check, timeout=timeout, capture_output=True,
        )  # fmt: skip

    return run


def test_the_process_that_works_knows_the_client_though_it_does_not_say_who_it_is(hooks: Hooks, tmp_path: Path) -> None:
    """Its own parent is not the client, and is gone when it is done."""
    (tmp_path / "io").write_text(PRESSED)
    script = 'mount --make-rprivate / && mount --bind "$0" /proc/pressure/io && "$1" hook --deadline 60; exit $?'
    raw = json.dumps(payload("SessionStart.startup", session_id="another")).encode()
    env = clean_environment(hooks.home, **hooks.environment())
    del env["CLAUDE_PID"]
    done = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script, str(tmp_path / "io"), str(MILESTONE)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=hooks.place, env=env,
    )  # fmt: skip
    said, wrong = done.communicate(raw, timeout=120)
    if b"unshare" in wrong or b"mount" in wrong:
        pytest.skip(f"impossible here: {wrong.decode().strip()}")
    assert b"Ship it." in said
    assert hooks.sessions()[-1]["pid"] == done.pid


STATES = '"$0/.local/state"'
PLACES = {
    "nobody says where the user is at home": "unset HOME",
    "a home that is no whole path": "HOME=nowhere",
    "a file where the folder should be": 'touch "$0/.local"',
    "a device where the folder should be": "export XDG_STATE_HOME=/dev/null",
    "no permission": 'chmod 500 "$0"; set -- setpriv --bounding-set=-dac_override,-dac_read_search "$1"',
    "not one more file": f"mkdir -p {STATES}; mount -t tmpfs -o size=4k,nr_inodes=1 none {STATES} || exit 77",
    "a full disk": f"mkdir -p {STATES}; mount -t tmpfs -o size=4k none {STATES} || exit 77; "
    f"head -c 4096 /dev/zero > {STATES}/full",
}
"""What is wrong with the second place, and how a shell makes it so; `$0` is the user's home.

Permissions count for a root that may not override them; somebody else might not even come to the program."""


@pytest.mark.parametrize("pressure", [CALM, PRESSED], ids=["calm", "pressed"])
def test_neither_place_takes_a_call(pressure: str, hooks: Hooks, tmp_path: Path) -> None:
    """The store is broken and so is what the user has for that: the client notices nothing, and nothing is left."""
    if os.geteuid() or not shutil.which("setpriv") or not shutil.which("unshare"):
        pytest.skip("impossible here: needs root, setpriv and unshare")
    if not PRESSURE.exists():
        pytest.skip("impossible here: the kernel says nothing of pressure")
    (tmp_path / "io").write_text(pressure)
    (hooks.store / "state/events").rename(hooks.store / "state/moved")
    (hooks.store / "state/events").write_text("no folder")
    shutil.rmtree(hooks.store / "spool")
    (hooks.store / "spool").write_text("no folder either")
    for number, (why, made) in enumerate(PLACES.items()):
        home = hooks.home / str(number)
        home.mkdir()
        began = time.monotonic()
        script = f'mount --bind "$2" {PRESSURE} || exit 77; set -- "$1"; {made}; exec "$@" hook --deadline 60'
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, str(home), str(MILESTONE), str(tmp_path / "io")],
            input=(PAYLOADS / "PostToolUse.Bash.json").read_bytes(), cwd=hooks.place, check=False, timeout=120,
            env=clean_environment(home, **hooks.environment()), capture_output=True,
        )  # fmt: skip
        if done.returncode == 77 or done.stderr.startswith(b"unshare:"):
            pytest.skip(f"impossible here: {done.stderr.decode().strip()}")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), why
        assert time.monotonic() - began < SLOW, why
        assert [path for path in home.rglob("*") if path.is_file() and path.name != ".local"] == [], why
    (hooks.store / "state/events").unlink()
    (hooks.store / "state/moved").rename(hooks.store / "state/events")
    assert durations(hooks) == []
    hooks.verify()
