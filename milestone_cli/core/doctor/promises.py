"""What a self-test means: each promise in plain words, and what the trials say about it."""

from milestone_cli.storage.findings import SEVERITIES, Finding

ANSWERS = {"ok": "yes", "note": "yes", "warning": "with limits", "error": "no"}
PROMISES = (
    ("What was acknowledged survives kill -9 at any moment.", ("disk.killed_writer", "disk.replace", "disk.link")),
    ("What was acknowledged survives a power cut.", ("disk.sync", "disk.sync_folder", "file system.memory",
                                                     "file system.careless")),
    ("A reader never waits for a writer, and never sees half a write.", ("disk.replace",)),
    ("Any number of processes on this machine write at once, and lose nothing.",
     ("disk.lock", "disk.create", "disk.mkdir", "disk.killed_writer")),
    ("The lock of a process that died is free at once.", ("disk.released", "disk.lock", "disk.sticky")),
    ("The bash utilities may work in the store at the same time.", ("disk.mkdir", "disk.append", "disk.sticky")),
    ("Every name that is allowed can be used.", ("disk.names", "disk.case")),
)  # fmt: skip
"""Sentence, and the findings that it rests on."""
POWER = 1
REACHING = ("file system.network", "file system.shared")


class Promise:
    """A promise: its sentence, whether it can be kept here, and why."""

    __slots__ = ("answer", "because", "sentence")

    def __init__(self, sentence: str, answer: str, because: str) -> None:
        self.sentence = sentence
        self.answer = answer
        self.because = because

    def fields(self) -> "dict[str, object]":
        """The promise as JSON values."""
        return {"promise": self.sentence, "answer": self.answer, "because": self.because}


def weigh(found: "list[Finding]") -> "list[Promise]":
    """Say of each promise whether it can be kept on what was tried.

    Args:
        found: by `Store.selftest`; a trial that says nothing is one that did not get so far.
    """
    by_id = {one.id: one for one in found}
    promises = []
    for number, (sentence, ids) in enumerate(PROMISES):
        on = [by_id[id_] for id_ in ids if id_ in by_id]
        if not on:
            promises.append(Promise(sentence, "not known", "nothing that it rests on could be tried"))
            continue
        worst = max(on, key=lambda one: SEVERITIES.index(one.severity))
        answer, because = ANSWERS[worst.severity], worst.message
        if number == POWER:
            answer, because = _power(answer, because, {one.code for one in on})
        promises.append(Promise(sentence, answer, because))
    if any(id_ in by_id for id_ in REACHING):
        sentence = "Several machines may use the store at the same time."
        because = "one machine cannot try it; a store that several use belongs into a database"
        promises.append(Promise(sentence, "not known", because))
    return promises


def _power(answer: str, because: str, codes: "set[str]") -> "tuple[str, str]":
    """A sync that returns has been asked for and confirmed; whether the disk tells the truth, only a cut shows."""
    if "memory" in codes:
        return "no", "the store is in memory"
    if answer == "yes":
        return "yes", f"as far as the disk tells the truth when it says that it has written: {because}"
    return answer, because
