"""`python -m core.handover PROJECT`: the projects that belong to nobody get the owner of that one.

They were made without sign-in, and once people sign in nobody sees them.
"""

import sys

from core import holding, projects
from core.errors import AppError
from core.workspace import Workspace


def main(arguments: list[str]) -> str | None:
    """Hands over what belongs to nobody; returns what went wrong."""
    if len(arguments) != 1:
        return "Say the id of a project that you made while signed in: it is in its address, behind “project=”."
    workspace = Workspace.default()
    try:
        holding.hold(workspace.home)
        print(f"Handed over: {projects.hand_over(workspace, arguments[0])}.")
    except AppError as error:
        return str(error)
    finally:
        holding.release(workspace.home)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
