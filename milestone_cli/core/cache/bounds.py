"""What a cache may keep: bytes and silence of each tier, number of entries, and how long an answer is true."""

from milestone_cli.storage.files.cachenames import TIERS

SECOND = 1_000_000_000
SKEW = 60 * SECOND
"""Nanoseconds by which an entry may come from the future; more, and the clock was wrong then or is now."""

SHARED = "shared"
"""In the place of a tier: only other machines have it, and the database."""


class Bounds:
    """The limits of a namespace.

    Attributes:
        sizes: bytes that each tier may hold, in the order of `TIERS`.
        silences: nanoseconds without use after which an entry leaves each tier for the next; behind the last it goes.
        entries: how many there may be, in all tiers together.
        ttl: nanoseconds after which an answer is no longer true, unless it says otherwise; 0: never.
        by_content: whether an entry with another content hash than the one asked for is void.
    """

    __slots__ = ("by_content", "entries", "silences", "sizes", "ttl")

    def __init__(
        self,
        sizes: "tuple[int, int, int]" = (50 << 20, 200 << 20, 1000 << 20),
        silences: "tuple[int, int, int]" = (300 * SECOND, 1800 * SECOND, 7200 * SECOND),
        entries: int = 1000,
        ttl: int = 3600 * SECOND,
        *,
        by_content: bool = True,
    ) -> None:
        self.sizes = dict(zip(TIERS, sizes, strict=True))
        self.silences = silences
        self.entries = entries
        self.ttl = ttl
        self.by_content = by_content

    def tier_at(self, tier: str, used: int, now: int) -> str:
        """The tier that an entry belongs to by now; empty when it belongs to none any more.

        Args:
            tier: where it lies.
            used: when it was last used, nanoseconds since 1970.
            now: likewise.
        """
        if tier == SHARED:
            return tier
        silence = now - used
        for name, most in zip(TIERS, self.silences, strict=True):
            if tier == name:
                if silence <= most:
                    return name
                tier = below(name)
        return ""


def below(tier: str) -> str:
    """The next tier down; empty below the last."""
    return {"hot": "warm", "warm": "cold"}.get(tier, "")


def above(tier: str) -> str:
    """The next tier up; the first one is above itself."""
    return "warm" if tier == "cold" else "hot"


def has_ended(created: int, expires: int, now: int) -> bool:
    """Whether an answer is no longer true; all in nanoseconds since 1970, `expires` 0 for never."""
    return bool(expires and now >= expires) or created > now + SKEW
