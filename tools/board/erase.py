"""Removes the updates of a board, so that it runs the copy that came by cable."""

from typing import Annotated

import typer

from tools.board import ports
from tools.board.link import connected

# The folders of updates, the state of the trial, and what a deployment left that was cut off.
UPDATES = ("/slot_a", "/slot_b", "/trial.state", "/trial.state.tmp", "/new")


def main(
    port: Annotated[str, typer.Option(help="of the board; found if there is one board")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
):
    """Remove the updates of a board; settings and credentials stay."""
    port = ports.find(port)
    if not yes:
        typer.confirm(
            "Remove all updates of the board, and which of them have failed?", abort=True
        )
    with connected(port) as link:
        for path in UPDATES:
            link.remove_tree(path)
    print("the board runs the copy that was deployed by cable")
