"""Curating: a project's pictures page by page, and what is done with the selected ones and with whole classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core import curation, dataset
from core.finding import Finding
from core.layout import MAX_LABEL_LENGTH, clean_label
from core.text import N_, _, ngettext
from core.ui import gallery, large, pieces, state
from core.ui.markup import plain
from core.ui.picture_grid import Group, picture_grid
from core.ui.routes import thumbnails_url
from core.ui.state import Key
from core.workspace import Workspace

PAGE_PICTURES = 60
CHOICE_WIDTH = 220  # pixels; beside the buttons it still fits a phone
USED, ASIDE = "used", "aside"
PARTS = {USED: N_("In use"), ASIDE: N_("Set aside by you")}


@dataclass(frozen=True)
class View:
    """What is shown of a project's pictures, and whether it can be changed now.

    Attributes:
        workspace: Where the project is.
        project_id: Which it is.
        part: `USED` or `ASIDE`.
        label: The class that is shown; empty for all.
        counts: Pictures of each class in this part.
        pictures: Those to show, columns id, name, path, label, width and height, by class.
        findings: What is worth a look in the project.
        is_locked: Nothing may be changed while pictures arrive.
    """

    workspace: Workspace
    project_id: str
    part: str
    label: str
    counts: dict[str, int]
    pictures: pd.DataFrame
    findings: Sequence[Finding]
    is_locked: bool


def show(
    workspace: Workspace,
    project_id: str,
    table: pd.DataFrame,
    findings: Sequence[Finding] = (),
    *,
    is_locked: bool = False,
) -> None:
    """Shows the pictures of a project, also those that their owner set aside, and lets them be put in order.

    Args:
        workspace: Where the project is.
        project_id: Which it is.
        table: Its images, from `dataset.images`.
        findings: What is worth a look among them, to be told beside each.
        is_locked: Whether nothing may be changed now.
    """
    aside = dataset.removed_images(workspace, project_id)
    if table.empty and aside.empty:
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(_("Your pictures"), anchor=False, width="content")
        undo_button(workspace, project_id, is_locked=is_locked)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = _part(num_used=len(table), num_aside=len(aside))
        shown = table if part == USED else aside
        counts = shown["label"].value_counts().sort_index().to_dict()
        label = _label(list(counts))
        pictures = shown[shown["label"] == label] if label else shown.sort_values("label", kind="stable")
        view = View(workspace, project_id, part, label, counts, pictures, findings, is_locked)
        if part == USED:
            _class_buttons(view)
    _pages(view)
    asked = pieces.asks(
        _("Remove all pictures"), Key.REMOVE_ALL, icon=":material/delete:", type="tertiary", disabled=is_locked
    )
    if asked and not is_locked:
        gallery.ask_before_removing_all(workspace, project_id)


def undo_button(workspace: Workspace, project_id: str, *, is_locked: bool) -> None:
    """Offers to undo the last thing that was done with a project's pictures, where there is any."""
    change = curation.last_change(workspace, project_id)
    if change is None:
        return
    # A key for each change: a second click on the same button must not undo what was done before it.
    label = _("Undo: {change}", change=plain(change.shown()))
    if st.button(label, key=Key.UNDO.format(change.id), icon=":material/undo:", disabled=is_locked):
        curation.undo(workspace, project_id)
        _begin_anew()


def _begin_anew() -> None:
    """Ends a selection and draws the whole page again."""
    state.session().selections += 1
    st.rerun()


def _part(*, num_used: int, num_aside: int) -> str:
    if not num_aside:
        return USED
    sizes = {USED: num_used, ASIDE: num_aside}
    part = st.segmented_control(
        _("Show"),
        list(PARTS),
        format_func=lambda name: _(PARTS[name]),
        default=USED if num_used else ASIDE,
        required=True,
        key=Key.SHOWN_PART,
        on_change=_forget_selection,
    )
    return part if part and sizes[part] else max(sizes, key=lambda name: sizes[name])


def _forget_selection() -> None:
    state.session().selections += 1


def _label(labels: list[str]) -> str:
    session, key = state.session(), state.in_words(Key.SHOWN_CLASS)
    if session.renamed:
        st.session_state.pop(key, None)
        session.shown_class, session.renamed = session.renamed, ""
    choices = ["", *labels]
    session.shown_class = st.selectbox(
        _("Class"),
        choices,
        index=choices.index(session.shown_class) if session.shown_class in choices else 0,
        format_func=lambda label: label or _("All classes"),
        key=key,
        width=CHOICE_WIDTH,
        on_change=_forget_selection,
    )
    return session.shown_class


def _class_buttons(view: View) -> None:
    if not view.label:
        st.caption(_("Choose a class to rename or remove it."), width="content")
        return
    if (
        pieces.asks(
            _("Rename"),
            Key.RENAME_CLASS.format(view.label),
            icon=":material/edit:",
            type="tertiary",
            disabled=view.is_locked,
        )
        and not view.is_locked
    ):
        _ask_for_name(view)
    if st.button(
        _("Remove"),
        key=Key.REMOVE_CLASS.format(view.label),
        icon=":material/delete:",
        type="tertiary",
        help=_("Sets all pictures of this class aside. This can be undone."),
        disabled=view.is_locked,
    ):
        curation.remove_class(view.workspace, view.project_id, view.label)
        _begin_anew()


def _ask_for_name(view: View) -> None:
    @st.dialog(_("Rename the class"), icon=":material/edit:", on_dismiss=pieces.close_question)
    def dialog() -> None:
        name = st.text_input(_("Name"), view.label, max_chars=MAX_LABEL_LENGTH, key=Key.RENAME_NAME)
        other = clean_label(name)
        is_merge = other in view.counts and other != view.label
        if is_merge:
            st.warning(_merge_sentence(view, other), icon=":material/merge:")
        # A key of its own: a click meant for “Rename” does not merge what the reader was not told of.
        word, key = (_("Merge"), Key.MERGE_CLASS) if is_merge else (_("Rename"), Key.CONFIRM)
        if st.button(word, key=key, type="primary", icon=":material/check:"):
            with pieces.errors_shown():
                curation.rename_class(view.workspace, view.project_id, view.label, name)
                state.session().renamed = other
                pieces.close_question()
                _begin_anew()

    dialog()


def _merge_sentence(view: View, other: str) -> str:
    return ngettext(
        "There is a class “{other}” already. The {count} picture of “{label}” will join it. This can be undone.",
        "There is a class “{other}” already. The {count} pictures of “{label}” will join it. This can be undone.",
        view.counts[view.label],
        other=plain(other),
        label=plain(view.label),
    )


@st.fragment
def _pages(view: View) -> None:
    """Shows a page of pictures; above it what can be done with the selected ones, which a click draws again alone."""
    bar = st.container(key=Key.PICTURE_BAR, gap="xsmall")
    grid = st.container()
    num_pages = -(-len(view.pictures) // PAGE_PICTURES)
    page = 1
    if num_pages > 1:
        with st.container(horizontal_alignment="center"):
            page = st.pagination(num_pages, key=Key.PICTURE_PAGE.format(f"{view.part} {view.label}"))
    shown = view.pictures.iloc[(page - 1) * PAGE_PICTURES : page * PAGE_PICTURES]
    with grid:
        selected = picture_grid(
            _groups(view, shown),
            key=Key.PICTURES,
            url=thumbnails_url(view.workspace.project_folder(view.project_id)),
            selection=state.session().selections,
        )
    with bar:
        _bar(view, selected, num_elsewhere=len(set(selected) - set(shown["id"])))


def _groups(view: View, pictures: pd.DataFrame) -> list[Group]:
    shown = large.pictures(view.workspace, view.project_id, pictures, view.findings)
    return [
        Group(
            str(label),
            ngettext("{count} picture", "{count} pictures", view.counts[str(label)]),
            [shown[image_id] for image_id in rows["id"]],
        )
        for label, rows in pictures.groupby("label", sort=False)
    ]


def _bar(view: View, selected: list[int], *, num_elsewhere: int) -> None:
    count = ngettext("**{count}** selected", "**{count}** selected", len(selected))
    if num_elsewhere:
        count += ", " + ngettext("{count} of them on another page", "{count} of them on other pages", num_elsewhere)
    # On a line of its own in either case: the pictures below must not move when the first one is clicked.
    st.markdown(
        count if selected else _("Click pictures to select them."),
        help=_(
            "A click with the shift key selects a whole row. The lens shows a picture large. On the keyboard: the "
            "arrows go from picture to picture, the space bar selects, Enter shows a picture large."
        ),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        with pieces.errors_shown():
            _actions(view, selected, is_idle=not selected or view.is_locked)
        if st.button(_("Clear selection"), key=Key.CLEAR_SELECTION, type="tertiary", disabled=not selected):
            _begin_anew()


def _actions(view: View, selected: list[int], *, is_idle: bool) -> None:
    if view.part == USED:
        _move(view, selected, is_idle=is_idle)
        if st.button(_("Set aside"), key=Key.SET_ASIDE, icon=":material/visibility_off:", disabled=is_idle):
            curation.set_images_aside(view.workspace, view.project_id, selected)
            _begin_anew()
    elif st.button(_("Bring back"), key=Key.BRING_BACK, icon=":material/settings_backup_restore:", disabled=is_idle):
        curation.restore_images(view.workspace, view.project_id, selected)
        _begin_anew()


def _move(view: View, selected: list[int], *, is_idle: bool) -> None:
    target = st.selectbox(
        _("Move to class"),
        list(view.counts),
        index=None,
        placeholder=_("Move to class …"),
        label_visibility="collapsed",
        accept_new_options=True,
        key=Key.MOVE_TO.format(state.session().selections),
        width=CHOICE_WIDTH,
        disabled=is_idle,
    )
    if (
        st.button(_("Move"), key=Key.MOVE, icon=":material/drive_file_move:", disabled=is_idle or target is None)
        and target
    ):
        curation.move_images(view.workspace, view.project_id, selected, target)
        _begin_anew()
