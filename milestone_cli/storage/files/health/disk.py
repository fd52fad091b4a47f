"""The disk under a store: its file system by name, what that is worth, and how much room is left."""

import os

from milestone_cli.storage.findings import Finding, count, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from milestone_cli.storage.files.health.walk import Entry

MOUNTS = "/proc/self/mountinfo"
NETWORK = {
    "nfs": "NFS", "nfs4": "NFS", "cifs": "SMB", "smb3": "SMB", "smbfs": "SMB", "9p": "9P", "afs": "AFS",
    "ceph": "CephFS", "lustre": "Lustre", "gpfs": "GPFS", "beegfs": "BeeGFS", "ocfs2": "OCFS2", "gfs2": "GFS2",
    "ncpfs": "NCP", "coda": "Coda", "pvfs2": "OrangeFS", "davfs": "WebDAV", "fuse.sshfs": "SSHFS",
    "fuse.glusterfs": "GlusterFS", "fuse.ceph": "CephFS", "fuse.s3fs": "S3", "fuse.rclone": "rclone",
    "fuse.davfs2": "WebDAV", "fuse.gcsfuse": "Google Cloud Storage", "fuse.mount-s3": "S3", "fuse.goofys": "S3",
    "fuse.juicefs": "JuiceFS", "fuse.moosefs": "MooseFS", "fuse.curlftpfs": "FTP",
}  # fmt: skip
"""File systems that reach over a network, as the kernel and as people call them."""
SHARED = {"virtiofs": "virtiofs", "vboxsf": "VirtualBox's shared folders", "prl_fs": "Parallels' shared folders",
          "fuse.vmhgfs-fuse": "VMware's shared folders", "fuse.grpcfuse": "Docker Desktop's shared folders",
          "fakeowner": "Docker Desktop's shared folders", "drvfs": "Windows' disks in WSL"}  # fmt: skip
"""Those that reach from a virtual machine to the machine around it."""
MEMORY = ("tmpfs", "ramfs", "devtmpfs")
LAYERS = ("overlay", "aufs", "fuse.fuse-overlayfs", "unionfs")
POOR = ("vfat", "msdos", "exfat", "fuseblk", "ntfs", "ntfs3", "hfs", "iso9660", "udf")
"""File systems of other systems: without hard links, owners or permissions, some of them."""
NO_BARRIER = ("nobarrier", "barrier=0")
TRY = "`milestone doctor --selftest` tries what it can do"
LOW, TOO_LOW = 64 << 20, 1 << 20
"""Bytes below which there is a warning; and in which a save of a small state may fail."""
FEW, TOO_FEW = 1000, 16
"""The same in files that can still be made: a save makes five at most."""
ESCAPED = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}


class Mount:
    """A mounted file system, as the kernel lists it.

    Attributes:
        type: `ext4`, `nfs4`, `fuse.sshfs`.
        source: the device or server.
        point: where it is mounted.
        options: of the mount and of its file system, in one list.
    """

    __slots__ = ("options", "point", "source", "type")

    def __init__(self, type_: str, source: str, point: str, options: "list[str]") -> None:
        self.type = type_
        self.source = source
        self.point = point
        self.options = options


def mount_of(path: str) -> "Mount | None":
    """The file system that a path is on; None where the system does not list them.

    Source: proc_pid_mountinfo(5). What is mounted later hides what was mounted before at the same place.
    """
    try:
        with open(MOUNTS, "rb") as file:
            lines = file.read(1 << 22).decode("utf-8", "surrogateescape").split("\n")
    except OSError:
        return None
    path = os.path.realpath(path).rstrip("/") + "/"
    best: Mount | None = None
    for line in lines:
        front, _, back = line.partition(" - ")
        fields, kind = front.split(" "), back.split(" ")
        if len(fields) < 6 or len(kind) < 3:
            continue
        point = fields[4]
        for escaped, char in ESCAPED.items():
            point = point.replace(escaped, char)
        if path.startswith(point.rstrip("/") + "/") and (best is None or len(point) >= len(best.point)):
            best = Mount(kind[0], kind[1], point, [*fields[5].split(","), *kind[2].split(",")])
    return best


def file_system(path: str) -> "Iterator[Finding]":
    """Name the file system, and say what it is worth."""
    mount = mount_of(path)
    if mount is None:
        yield sound("file system", "this system does not say which one it is")
        return
    type_, at = mount.type, f"on {mount.source}, mounted at {mount.point}"
    if type_ in NETWORK:
        yield Finding(
            "file system", "network", "warning",
            f"{NETWORK[type_]} ({type_}) {at}: locks, atomic replacing and syncs are as good as its server and client",
            f"keep the store on a local disk; {TRY} from here, not between machines", type_,
        )  # fmt: skip
    elif type_ in SHARED:
        yield Finding(
            "file system", "shared", "warning",
            f"{SHARED[type_]} ({type_}) {at}: locks may not reach the other machine",
            f"keep the store on a disk of this machine; {TRY}", type_,
        )  # fmt: skip
    elif type_ in MEMORY:
        yield Finding(
            "file system", "memory", "note", f"{type_}: it is in memory, and gone after a restart or a power cut",
            "keep a store that shall last on a disk", type_,
        )  # fmt: skip
    elif type_ in LAYERS:
        yield Finding(
            "file system", "layer", "note", f"{type_}: a layer of a container, and gone with it",
            "keep a store that shall last on a volume", type_,
        )  # fmt: skip
    elif type_ in POOR:
        yield Finding(
            "file system", "poor", "warning", f"{type_} {at}: made by another system, without what Unix promises", TRY,
            type_,
        )  # fmt: skip
    elif type_.startswith("fuse"):
        yield Finding("file system", "unknown", "note", f"{type_} {at}: what it promises is its maker's secret", TRY,
                      type_)  # fmt: skip
    else:
        yield sound("file system", f"{type_} {at}")
    careless = [option for option in mount.options if option in NO_BARRIER]
    if careless:
        yield Finding(
            "file system", "careless", "warning",
            f"it is mounted with {', '.join(careless)}: after a power cut, what was synced may be gone",
            "mount it without that option", type_,
        )  # fmt: skip


def space(root: int, entries: "list[Entry]") -> "Iterator[Finding]":
    """Say how much room is left, in bytes and in files, and whether anything can be written at all.

    Args:
        root: open descriptor of the store.
        entries: what is in it, for the largest state, which a save writes once more.
    """
    found = os.fstatvfs(root)
    if found.f_flag & os.ST_RDONLY:
        yield Finding(
            "space", "read_only", "error", "the disk is mounted read-only: everything can be read, nothing changed",
            "mount it for writing; if nobody made it read-only, look at the system's log: the disk may be failing",
        )  # fmt: skip
        return
    largest = max((one.status.st_size for one in entries if one.path.startswith("state/active/")), default=0)
    free = found.f_bavail * found.f_frsize
    trouble = False
    if free < max(LOW, 20 * largest):
        trouble = True
        severity = "error" if free < TOO_LOW + 2 * largest else "warning"
        short = severity == "error"
        yield Finding(
            "space", "bytes_short" if short else "bytes_low", severity,
            f"{size(free)} are free" + (": a save may fail; what is there stays whole" if short else ""),
            "free some space; `milestone cleanup plan` shows what of this store could go",
        )  # fmt: skip
    left = found.f_favail if found.f_files else FEW
    if left < FEW:
        trouble = True
        severity = "error" if left < TOO_FEW else "warning"
        yield Finding(
            "space", "inodes_short" if severity == "error" else "inodes_low", severity,
            f"{count(left, 'more file')} can be made on this disk (inodes)",
            "remove files from it; `milestone cleanup plan` shows what of this store could go",
        )  # fmt: skip
    if not trouble:
        files = f", {found.f_favail:,} more files" if found.f_files else ""
        yield sound("space", f"{size(free)} free{files}")


def size(number: int) -> str:
    """Bytes in a unit that suits them; in a sentence, so in a pipe too."""
    if number < 1000:
        return f"{number} bytes"
    value = float(number)
    for unit in ("KB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            break
    return f"{value:.0f} {unit}" if value >= 99.5 else f"{value:.1f} {unit}"
