"""Completions for bash, zsh and fish, and the manual page: texts made from what the Typer app declares."""

NOTE = "# Completion of milestone for {}, made by python -m milestone_cli.cli.complete: do not edit.\n"
