import subprocess
import sys

from core import handover, holding, projects
from core.processes import ROOT


def test_command_hands_over_what_belongs_to_nobody(workspace):
    projects.create_project(workspace, "Old")
    own = projects.create_project(workspace.seen_by("ana"), "New")
    command = [sys.executable, "-m", "core.handover", own.id]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout == "Handed over: 1.\n"
    assert len(projects.list_projects(workspace.seen_by("ana"))) == 2


def test_command_says_what_is_wrong(workspace):
    projects.create_project(workspace, "Old")
    assert "id of a project" in handover.main([])
    assert "There is no project “nowhere”" in handover.main(["nowhere"])


def test_command_leaves_a_workspace_alone_in_which_a_server_works(workspace):
    own = projects.create_project(workspace.seen_by("ana"), "New")
    program = (
        "import sys; from pathlib import Path; from core import holding\n"
        "holding.hold(Path(sys.argv[1])); print('held', flush=True); input()"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", program, str(workspace.home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout.readline() == b"held\n"
    assert "Another Headstart" in handover.main([own.id])
    server.communicate(b"\n", timeout=20)
    assert handover.main([own.id]) is None
    assert not holding._held
