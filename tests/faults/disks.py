"""Disks that lose their power: images of file systems behind a loop device, shut down in the middle and mounted again.

The shutdown is the file system's own (FS_IOC_GOINGDOWN, without flushing the log): what was not synced by then is gone,
as if the plug had been pulled.
"""

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

GOING_DOWN = 0x8004587D
WITHOUT_LOG = 2
NEW_MOUNTS = 0x00020000
KINDS = {
    "ext4": (64 << 20, ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"]),
    "xfs": (320 << 20, ["mkfs.xfs", "-q", "-f"]),
}
"""Size of the image in bytes, and the command that makes the file system."""


class Impossible(Exception):  # noqa: N818 - it says why there is nothing to try
    """This machine cannot have such a disk; the message says why."""


def in_private() -> None:
    """Give the calling thread, and what it starts, mounts that nobody else sees.

    A namespace that somebody else makes meanwhile would keep a disk alive that is to lose its power.

    Raises:
        Impossible: without the privilege.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_MOUNTS):
        raise Impossible(f"no mounts of its own: {os.strerror(ctypes.get_errno())}")
    _run("mount", "--make-rprivate", "/")


class Disk:
    """A mounted image; `path` is where. Leaving the context takes it away. For a thread that is `in_private`."""

    def __init__(self, kind: str) -> None:
        size, make = KINDS[kind]
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # an image there costs no disk time
        self._home = Path(tempfile.mkdtemp(prefix="milestone-disk-", dir=memory))
        self.kind = kind
        self.path = self._home / "mnt"
        self._device = ""
        try:
            self.path.mkdir()
            image = self._home / "image"
            with image.open("wb") as file:
                file.truncate(size)
            _run(*make, str(image))
            self._device = _run("losetup", "--find", "--show", str(image)).strip()
            self._mount()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Disk":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _mount(self) -> None:
        _run("mount", "-t", self.kind, self._device, str(self.path))

    def close(self) -> None:
        """Unmount, detach and remove."""
        subprocess.run(["umount", "-l", str(self.path)], capture_output=True, check=False)
        if self._device:
            subprocess.run(["losetup", "--detach", self._device], check=False)
        shutil.rmtree(self._home, ignore_errors=True)

    def settle(self) -> None:
        """Bring everything that is there now onto the disk."""
        _run("sync", "-f", str(self.path))

    def cut(self) -> None:
        """Lose the power, and come back."""
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, GOING_DOWN, struct.pack("I", WITHOUT_LOG))
        finally:
            os.close(fd)
        for patience in range(200, -1, -1):
            try:
                _run("umount", str(self.path))
                break
            except Impossible:  # what another thread has just forked has our descriptors until its exec
                if not patience:
                    raise
                time.sleep(0.02)
        self._mount()


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except FileNotFoundError:
        raise Impossible(f"there is no {command[0]}") from None
    if done.returncode:
        raise Impossible(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


def require_disk(kind: str) -> None:
    """Skip the test where there can be no such disk."""
    with ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(_try, kind).result()
        except Impossible as why:
            pytest.skip(f"impossible here: {why}")


def _try(kind: str) -> None:
    in_private()
    Disk(kind).close()
