"""What a page knows about its reader: keys of widgets, the address, the session, the language."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import projects, runs
from core.history import History
from core.projects import Project
from core.runs import Run
from core.text import DEFAULT_LANGUAGE, LANGUAGES, closest_language
from core.ui import identity
from core.ui.draft import Draft
from core.ui.upload import FolderUpload
from core.workspace import Workspace

ASSETS = Path(__file__).parent / "assets"

PROJECT_PARAMETER = "project"
RUN_PARAMETER = "run"
LANGUAGE_PARAMETER = "lang"
PARAMETERS = (PROJECT_PARAMETER, RUN_PARAMETER, LANGUAGE_PARAMETER)

SESSION = "headstart"


class Key:
    """Keys of widgets, each a name that tests and styles may rely on; `{}` is filled by the page."""

    LANGUAGE = "language"
    SIGN_IN = "sign_in_{}"
    SIGN_OUT = "sign_out"
    NEW_PROJECT = "new_project"
    NEW_PROJECT_FORM = "new_project_form"
    NEW_PROJECT_NAME = "new_project_name"
    CREATE_PROJECT = "create_project"
    OPEN_PROJECT = "open_project_{}"
    RENAME_PROJECT = "rename_project_{}"
    DELETE_PROJECT = "delete_project_{}"
    SAVE_PROJECT = "save_project_{}"
    CANCEL_MOVE = "cancel_{}"
    DISMISS_MOVE = "dismiss_{}"
    OPEN_BROUGHT = "open_{}"
    BRING_PROJECT = "bring_project"
    BROUGHT_FILE = "brought_file"
    RECOVER_PROJECT = "recover_project_{}"
    REMOVE_PROJECT = "remove_project_{}"
    RENAME_FORM = "rename_form"
    RENAME_NAME = "rename_name"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    IMAGE_SOURCE = "image_source"
    FOLDER = "folder"
    ZIP = "zip_{}"
    SERVER_FOLDER = "server_folder"
    SERVER_START = "server_start"
    ZIP_START = "zip_start"
    CLASS_NAME = "class_name"
    CLASS_FILES = "class_files"
    CLASS_START = "class_start"
    CLASS_DISCARD = "class_discard"
    CAMERA_CLASS = "camera_class"
    CAMERA = "camera"
    SAMPLE = "sample_{}"
    CANCEL_INTAKE = "cancel_intake"
    DISMISS_INTAKE = "dismiss_intake"
    UNDO_INTAKE = "undo_intake"
    SHOWN_PART = "shown_part"
    SHOWN_CLASS = "shown_class"
    RENAME_CLASS = "rename_class_{}"
    MERGE_CLASS = "merge_class"
    MEND = "mend_{}"
    FINE = "fine_{}"
    FINDING_PICTURES = "finding_pictures_{}"
    SHOW_FINDINGS = "show_findings"
    REMOVE_CLASS = "remove_class_{}"
    PICTURES = "pictures"
    PICTURE_BAR = "picture_bar"
    PICTURE_PAGE = "picture_page_{}"
    MOVE_TO = "move_to_{}"
    MOVE = "move"
    SET_ASIDE = "set_aside"
    BRING_BACK = "bring_back"
    CLEAR_SELECTION = "clear_selection"
    UNDO = "undo_{}"
    REMOVE_ALL = "remove_all"
    BACKBONE = "backbone_{}"
    BACKBONE_SORT = "backbone_sort"
    BACKBONE_FILTER = "backbone_filter"
    BACKBONE_ALL = "backbone_all"
    START = "start"
    STAGE = "stage_{}"
    EXPERT = "expert"
    LAYER = "layer_{}"
    BATCH_NORM = "batch_norm"
    HEAD_KIND = "head_kind"
    HEAD_NORMALIZE = "head_normalize"
    HEAD_HIDDEN = "head_hidden"
    HEAD_DROPOUT = "head_dropout"
    SUMMARY = "summary"
    WEIGHTS = "weights_{}"
    PRESET = "preset_{}"
    SETTING = "setting_{}"
    START_FORM = "start_form_{}"
    RUN_NAME = "run_name_{}"
    START_RUN = "start_run"
    STOP_RUN = "stop_run"
    PAUSE_RUN = "pause_run"
    MOVE_UP = "move_up"
    RESUME_RUN = "resume_run"
    FINISH_RUN = "finish_run"
    MORE_EPOCHS = "more_epochs"
    TRAIN_LONGER = "train_longer"
    DELETE_RUN = "delete_run_{}"
    OPEN_RUN = "open_run_{}"
    LIKE_GUESSING = "like_guessing"
    CONFUSION = "confusion"
    CLASS_COUNTS = "class_counts"
    PROBABILITIES = "probabilities_{}"
    CHART_LOSS = "chart_loss"
    CHART_ACCURACY = "chart_accuracy"
    RUN = "run_choice"
    SPLIT = "split"
    MOVE_MISTAKE = "move_mistake_{}"
    SET_MISTAKE_ASIDE = "set_mistake_aside_{}"
    TRY_SOURCE = "try_source"
    TRY_FILES = "try_files"
    TRY_CAMERA = "try_camera"
    NEXT = "next"


@dataclass(frozen=True)
class Standing:
    """How one step stands.

    Attributes:
        is_done: What the step supplies is there. Looking, trying and downloading supply nothing, so that they are
            never done.
        is_possible: What the step needs is there.
        note: A few words on it; empty where there is nothing to say.
    """

    is_done: bool = False
    is_possible: bool = False
    note: str = ""


@dataclass
class Session:
    """What one browser tab remembers besides its address.

    Attributes:
        drafts: The model and settings being put together, by project; also kept on disk.
        histories: Stories of runs read so far, by run.
        selections: Counts finished selections of pictures, so that the next one begins empty.
        shown_class: The class whose pictures the Images page shows; empty for all.
        renamed: The new name of the class that was shown, until the page shows it under that name; empty for none.
        is_mending: Whether something was done about a finding, after which the next one follows.
        question: Key of the button whose question is open; empty for none.
        order: The order in which the networks of the catalog are shown; empty for the usual one.
        standings: How each step stands, as the side of the page shows it; its head asks for the same.
        uploads: Counts finished uploads, so that an uploader is empty for the next one.
        nameless: Files that arrived before the name of their class was typed, by project.
        brings_classes: Whether the last pictures were those of one class, after which the next class follows.
        expert_freezing: Whether any single layer can be chosen.
    """

    drafts: dict[str, Draft] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)
    selections: int = 0
    shown_class: str = ""
    renamed: str = ""
    is_mending: bool = False
    question: str = ""
    order: str = ""
    standings: dict[str, Standing] = field(default_factory=dict)
    uploads: int = 0
    nameless: dict[str, FolderUpload] = field(default_factory=dict)
    brings_classes: bool = False
    expert_freezing: bool = False


@dataclass(frozen=True)
class Place:
    """Where the address says the reader is; an unknown project or run counts as none, and so does another reader's.

    Attributes:
        workspace: The one of this server, as this reader finds it.
        project: The open one.
        run: One of that project.
        unknown_run: What the address names and the open project does not have; empty for nothing.
    """

    workspace: Workspace
    project: Project | None
    run: Run | None
    unknown_run: str = ""


def session() -> Session:
    """Returns what this tab remembers."""
    if SESSION not in st.session_state:
        st.session_state[SESSION] = Session()
    remembered: Session = st.session_state[SESSION]
    return remembered


def language() -> str:
    """Returns the reader's language: what was chosen, else what the browser prefers."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return DEFAULT_LANGUAGE
    chosen = st.query_params.get(LANGUAGE_PARAMETER)
    return chosen if chosen in LANGUAGES else closest_language(st.context.locale)


def in_words(key: str) -> str:
    """Returns the key of a select box whose options are words, which is another one in each language.

    The browser remembers what is chosen in a select box as the words that it showed, and would go on showing them in
    the language of before. What is chosen has to be remembered elsewhere, and given as the box's `index`.
    """
    return f"{key}_{language()}"


def place() -> Place:
    """Reads project and run from the address.

    Raises:
        SignedOutError: Somebody has to sign in first; `sign_in.require` has ended the page before.
    """
    workspace = Workspace.default().seen_by(identity.reader())
    run_id = st.query_params.get(RUN_PARAMETER, "")
    run: Run | None = None
    project: Project | None = None
    with suppress(runs.RunNotFoundError):
        run = runs.open_run(workspace, run_id) if run_id else None
    with suppress(projects.ProjectNotFoundError):
        project_id = st.query_params.get(PROJECT_PARAMETER) or (run.project_id if run else "")
        project = projects.open_project(workspace, project_id) if project_id else None
    if run and (project is None or run.project_id != project.id):
        run = None
    return Place(workspace, project, run, unknown_run=run_id if project and not run else "")


def address(**changes: str | None) -> dict[str, str]:
    """Returns the parameters that every link carries on; a change to None drops that one."""
    kept: dict[str, str | None] = {name: st.query_params.get(name) for name in PARAMETERS}
    return {name: value for name, value in (kept | changes).items() if value}


def history(run: Run) -> History:
    """Returns the story of a run, read on from where this tab left off."""
    stories = session().histories
    if run.id not in stories:
        stories[run.id] = History(run)
    stories[run.id].update()
    return stories[run.id]


def accuracy(run: Run | None) -> float | None:
    """Returns the validation accuracy of a run's kept epoch, 0 to 1; None where there is none."""
    return history(run).best_accuracy if run else None


def draft(at: Place) -> Draft:
    """Returns the model and settings being put together for the project of this page."""
    assert at.project is not None
    drafts = session().drafts
    if at.project.id not in drafts:
        drafts[at.project.id] = Draft.read(at.workspace.project_folder(at.project.id))
    return drafts[at.project.id]


def keep_draft(at: Place, changed: Draft) -> None:
    """Remembers a changed draft, in this tab and on disk."""
    assert at.project is not None
    if changed != draft(at):
        session().drafts[at.project.id] = changed
        changed.write(at.workspace.project_folder(at.project.id))


def is_draft_kept(at: Place) -> bool:
    """Says whether somebody chose a model for the project of this page, or agreed to the proposed one."""
    assert at.project is not None
    return Draft.is_kept(at.workspace.project_folder(at.project.id))


def agree_to_draft(at: Place) -> None:
    """Remembers on disk that the draft as it stands was agreed to."""
    assert at.project is not None
    draft(at).write(at.workspace.project_folder(at.project.id))
