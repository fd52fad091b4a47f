"""Arguments and options of agents and synchronisation points."""

from typing import Annotated

import typer

AgentCommand = Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command, and its arguments.")]
AgentMeant = Annotated[
    str | None, typer.Argument(metavar="[AGENT]", help="An agent by its id (default: MILESTONE_AGENT).")
]
AgentName = Annotated[str, typer.Argument(metavar="AGENT", help="An agent by its id.")]
AgentState = Annotated[
    str | None, typer.Option("--state", metavar="JSON|@FILE|-", help="The agent's own state, a JSON object.")
]
AgentType = Annotated[
    str | None, typer.Option("--type", metavar="T", help="What kind of agent it is; a new one is general.")
]
AgentsList = Annotated[
    str | None, typer.Option("--agents", metavar="A,B", help="Only these agents, separated by commas.")
]
BeatInterval = Annotated[
    float, typer.Option("--interval", metavar="S", min=0.1, help="Seconds between two heartbeats.")
]
BuryDead = Annotated[bool, typer.Option("--fix", help="Record the dead as failed, and give back what they held.")]
DependsOn = Annotated[
    list[str] | None, typer.Option("--depends-on", metavar="A", help="An agent that it depends on; repeatable.")
]
EverybodyToo = Annotated[bool, typer.Option("--all", help="Show those that have ended too.")]
Looks = Annotated[int, typer.Option("--looks", metavar="N", min=0, help="End after N looks; 0: never.")]
MonitorInterval = Annotated[float, typer.Option("--interval", metavar="S", min=0.1, help="Seconds between two looks.")]
MoreErrors = Annotated[
    int, typer.Option("--errors", metavar="N", min=0, help="Failed operations, to be added to its count.")
]
MoreOperations = Annotated[
    int, typer.Option("--operations", metavar="N", min=0, help="Completed operations, to be added to its count.")
]
MoreTime = Annotated[
    float, typer.Option("--seconds", metavar="S", min=0, help="Seconds of work, to be added to its time.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Ask, print the id, and do not wait for the answers.")]
OnlyOpen = Annotated[bool, typer.Option("--open", help="Only those that are still open.")]
SeenRevision = Annotated[
    int | None,
    typer.Option("--revision", metavar="N", min=0, help="The revision that was seen (default: the present one)."),
]
StaleAfter = Annotated[
    str,
    typer.Option(
        "--stale-after", metavar="SPAN", help="Silence after which an agent no longer counts as healthy: 60s, 5m."
    ),
]
Subscribe = Annotated[
    list[str] | None,
    typer.Option("--subscribe", metavar="TYPE", help="A type of events that it follows, such as state_*; repeatable."),
]
SyncId = Annotated[str, typer.Argument(metavar="SYNC", help="A synchronisation point by its id.")]
SyncTimeout = Annotated[float, typer.Option("--timeout", metavar="S", min=0, help="Seconds that the answers may take.")]
TakingPart = Annotated[
    str | None, typer.Option("--agent", metavar="A", help="Only those in which this agent takes part.")
]
Trigger = Annotated[
    str | None, typer.Option("--trigger", metavar="A", help="The agent that asks (default: MILESTONE_AGENT).")
]
