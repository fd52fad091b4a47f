"""Every way in which a command can fail: one machine code, one exit code, one sentence, one hint.

The table is the contract: a code never changes its exit code, and nothing else in the program chooses one.
"""

EXIT = {
    "unexpected": 1,
    "usage": 2,
    "not_found": 3,
    "revision_not_found": 3,
    "path_not_found": 3,
    "nothing_to_undo": 3,
    "nothing_to_redo": 3,
    "cursor_gone": 3,
    "milestone_ambiguous": 2,
    "conflict": 4,
    "revision_conflict": 4,
    "idempotency_conflict": 4,
    "lock_lost": 4,
    "test_failed": 4,
    "completed": 4,
    "invalid_json": 5,
    "invalid_data": 5,
    "invalid_name": 5,
    "invalid_path": 5,
    "invalid_time": 5,
    "invalid_cursor": 5,
    "invalid_config": 5,
    "too_large": 5,
    "invalid_schema": 5,
    "invalid_state": 5,
    "missing_extra": 5,
    "unsafe_link": 5,
    "newer_format": 5,
    "older_format": 5,
    "damaged": 6,
    "recovered": 6,
    "lock_timeout": 7,
    "wait_timeout": 7,
    "sync_failed": 7,
    "store_unreachable": 8,
    "store_foreign": 8,
    "unlogged": 8,
    "uncertain": 8,
    "store_frozen": 8,
    "store_moved": 8,
    "unsupported_platform": 8,
    "partial": 9,
    "no_store": 10,
    "interrupted": 130,
}

RETRYABLE = (
    "lock_timeout",
    "wait_timeout",
    "sync_failed",
    "revision_conflict",
    "lock_lost",
    "store_unreachable",
    "store_frozen",
)


class MilestoneError(Exception):
    """A failure that a person or a program can act upon.

    Args:
        code: key of `EXIT`; machines rely on it.
        message: one plain sentence, without markup; it may hold text from outside, which the output sanitises.
        hint: what to do next; never a destructive command.
        details: facts for machines, JSON values only.
    """

    def __init__(self, code: str, message: str, hint: str = "", **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.exit_code = EXIT[code]
        self.message = message
        self.hint = hint
        self.retryable = code in RETRYABLE
        self.details = details


def conflict(milestone: str, expected: int, revision: int) -> MilestoneError:
    """The error for a state that is not at the expected revision; 0: there is none."""
    return MilestoneError(
        "revision_conflict",
        f"'{milestone}' is at revision {revision}, not {expected}",
        "load it, apply your change to what is there now, and try again with the new revision",
        milestone_id=milestone,
        expected=expected,
        revision=revision,
    )


def completed(milestone: str) -> MilestoneError:
    """The error for changing a milestone that is completed."""
    return MilestoneError(
        "completed",
        f"'{milestone}' is completed; nothing was changed",
        f"`milestone state reopen {milestone}` makes it active again",
        milestone_id=milestone,
    )


def frozen(path: str, why: str) -> MilestoneError:
    """The error for a write to a store that is frozen."""
    return MilestoneError(
        "store_frozen",
        f"the store '{path}' is frozen{f': {why}' if why else ''}; nothing was changed",
        "try again later; `milestone store unfreeze` unfreezes it",
    )


def moved(path: str, where: str) -> MilestoneError:
    """The error for a store that is elsewhere now; neither name holds a password."""
    return MilestoneError(
        "store_moved",
        f"the store '{path}' has moved to {where}",
        "use that one: --store or MILESTONE_STORE names it",
        moved_to=where,
    )
