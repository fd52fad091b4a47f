"""Directory, branch and commit of a session as a checkpoint knows them, held against what they are now."""

import os

from milestone_cli.core import git

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.core.sessions.checkpoints import Checkpoint

    Told = tuple[str, str, str]
    """What, what becomes of it, and from what to what or why; see `recovery_plan.Step`."""

DETACHED = "a detached HEAD"


class Surroundings:
    """Where a session worked, and what of that a recovery may bring back.

    Attributes:
        told: a step each, in order.
        folder: the directory; empty where it is gone, or was never known.
        branch: that git shall check out there; empty for none.
    """

    __slots__ = ("branch", "folder", "told")

    def __init__(self, checkpoint: "Checkpoint", folder: str, *, checks_out: bool) -> None:
        """Look at the directory that a checkpoint names, else at the one that is given; git is asked, not changed."""
        self.told: list[Told] = []
        self.folder = self.branch = ""
        then = checkpoint.said("context")
        folder = str(then.get("working_directory") or folder)
        if folder and not os.path.isdir(folder):
            self.told.append(("directory", "cannot", f"{folder} is gone"))
        elif folder:
            self.folder = folder
            is_here = os.path.realpath(folder) == os.path.realpath(".")
            self.told.append(("directory", "same" if is_here else "keep", folder if is_here else f"go to {folder}"))
            branch = str(then.get("git_branch") or "")
            if branch != git.NONE:
                self._branch(branch, checks_out=checks_out)
                self._commit(str(then.get("git_commit") or ""), is_dirty=then.get("git_dirty") is True)

    def _branch(self, branch: str, *, checks_out: bool) -> None:
        now = git.branch(self.folder)
        told = f"{branch or DETACHED} was checked out then, {now or DETACHED} is now"
        if now == branch:
            self.told.append(("git branch", "same", branch or DETACHED))
        elif not checks_out:
            self.told.append(("git branch", "keep", f"{told}; --git checkout changes that"))
        elif why := _hindrance(self.folder, branch):
            self.told.append(("git branch", "cannot", f"{told}; {why}"))
        else:
            self.branch = branch
            self.told.append(("git branch", "restore", told))

    def _commit(self, commit: str, *, is_dirty: bool) -> None:
        at = git.commit(self.folder)
        if commit and commit != at:
            self.told.append(("git commit", "keep", f"it was {commit[:12]} then, and is {at[:12] or 'none'} now"))
        if is_dirty:
            self.told.append(("git tree", "keep", "changes then that were not committed are not kept here"))


def _hindrance(folder: str, branch: str) -> str:
    """Why git must not, or cannot, check a branch out; empty when it may."""
    from milestone_cli.core.git.program import has_branch, is_dirty

    if not branch:
        return f"{DETACHED} is not checked out again"
    if not has_branch(folder, branch):
        return "that branch is gone"
    dirty = is_dirty(folder)
    return "" if dirty is False else "the tree is dirty" if dirty else "git does not say whether the tree is dirty"
