"""Arguments and options of transactions."""

from typing import Annotated, Literal

import typer

Operations = Annotated[
    str | None,
    typer.Argument(
        metavar="[JSON|FILE|-]", help="JSON Lines of operations, a file with them, or - for standard input."
    ),
]
LastTransactions = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="The last N; 0: all.")]
TransactionStatus = Annotated[
    Literal["all", "pending", "committed", "rolled_back"], typer.Option("--status", help="Only those with this status.")
]
TransactionWord = Annotated[str, typer.Argument(metavar="[TRANSACTION]", help="A transaction by its id, or last.")]
TransactionId = Annotated[
    str, typer.Argument(metavar="TRANSACTION", help="A transaction by its id; last: the last committed one.")
]
