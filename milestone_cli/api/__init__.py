"""The store as a Python program sees it, without a process for every call: `from milestone_cli import Store`.

What is here keeps the same promises as the commands, and threads and processes may use it at once. Everything that is
refused is a `MilestoneError`; its `code` is a word of the same list that the commands' JSON errors use.
"""

from milestone_cli.api.cache import Cache, CacheStats
from milestone_cli.api.keyed import KeyedState
from milestone_cli.api.milestone import Event, Milestone
from milestone_cli.api.session import HistoryEntry, Session, SessionInfo, Sessions
from milestone_cli.api.store import Store
from milestone_cli.errors import MilestoneError

__all__ = [
    "Cache",
    "CacheStats",
    "Event",
    "HistoryEntry",
    "KeyedState",
    "Milestone",
    "MilestoneError",
    "Session",
    "SessionInfo",
    "Sessions",
    "Store",
]
