"""The commands of `milestone events`: log, query, timeline, verify."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import (
        Agent, AllMilestones, Batch, Events, EventWords, Format, IdempotencyKey, Limit, LockTimeout, MilestoneId,
        Reverse, Session, Since, TypeFilter, Until,
    )


def log(
    words: "EventWords" = None,
    batch: "Batch" = False,
    agent: "Agent" = None,
    session: "Session" = None,
    idempotency_key: "IdempotencyKey" = None,
    lock_timeout: "LockTimeout" = None,
    output: "Format" = "text",
) -> None:
    """Append an event to a milestone's log; when this returns, it is on disk.

    Example: milestone events log demo tests_passed '{"count": 42}'
    """


def query(
    milestone: "MilestoneId" = None,
    type_: "TypeFilter" = None,
    agent: "Agent" = None,
    session: "Session" = None,
    since: "Since" = None,
    until: "Until" = None,
    limit: "Limit" = 50,
    reverse: "Reverse" = False,
    output: "Events" = "text",
) -> None:
    """Show the latest events that match, oldest first.

    Example: milestone events query demo --type 'state_*' --since '2h ago'
    """


def timeline(milestone: "MilestoneId" = None, output: "Events" = "text") -> None:
    """Show everything that happened, in order.

    Example: milestone events timeline demo --format json
    """


def verify(milestone: "MilestoneId" = None, all_: "AllMilestones" = False, output: "Format" = "text") -> None:
    """Prove a log: sequence, chain, head, and that it explains the state. Exit 6 exactly when there is damage.

    Example: milestone events verify demo
    """
