"""The steps of the journey: what they are called, where one is among them, how to get on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import streamlit as st
from streamlit.navigation.page import Page

from core.runs import RunNotFoundError
from core.text import N_, _
from core.ui import standing, state
from core.ui.markup import plain
from core.ui.rail import Mark, rail
from core.ui.state import Key, Place, Standing


@dataclass(frozen=True)
class Step:
    """One page of the journey; `lead` is the sentence under its title."""

    name: str
    title: str
    lead: str
    icon: str

    @property
    def file(self) -> str:
        """The page's script, beside `pages/main.py`."""
        return f"{self.name}.py"


STEPS = {
    step.name: step
    for step in (
        Step(
            "projects",
            N_("Projects"),
            N_("A project holds your pictures and everything that was learned from them."),
            ":material/stacks:",
        ),
        Step(
            "images",
            N_("Images"),
            N_("Show examples: a few dozen pictures of each thing that the network should tell apart."),
            ":material/photo_library:",
        ),
        Step(
            "model",
            N_("Model"),
            N_("Choose a network that has already learned to see, and how much of it stays as it is."),
            ":material/account_tree:",
        ),
        Step(
            "train",
            N_("Train"),
            N_("Let the network practise on your pictures, and watch it get better."),
            ":material/exercise:",
        ),
        Step(
            "learned",
            N_("What it learned"),
            N_("How it does on pictures that it never practised on, and what it confuses."),
            ":material/school:",
        ),
        Step(
            "try_it",
            N_("Try it"),
            N_("Show it something new and see what it says."),
            ":material/photo_camera:",
        ),
        Step(
            "take_home",
            N_("Take it home"),
            N_("The trained network is yours: download it and use it without Headstart."),
            ":material/download:",
        ),
    )
}


def pages() -> list[Page]:
    """Returns the pages for `st.navigation`, titled in the reader's language; among them one for an unknown address."""
    steps = [
        st.Page(step.file, title=_(step.title), icon=step.icon, default=name == "projects")
        for name, step in STEPS.items()
    ]
    unknown = unknown_page()
    # Where there is no page of that name, Streamlit says so itself, and in English.
    return [*steps, st.Page("elsewhere.py", title=_("No such page"), url_path=unknown)] if unknown else steps


def unknown_page() -> str:
    """Returns what the address calls a page and is none; empty where it names one of ours, or none."""
    name = PurePosixPath(unquote(urlsplit(st.context.url or "").path)).name.strip()
    return "" if name in STEPS else name


STEPS_OF_A_RUN = ("train", "learned", "try_it", "take_home")


def go(name: str, **changes: str | None) -> None:
    """Opens a step; project, run and language stay in the address unless changed."""
    st.switch_page(STEPS[name].file, query_params=state.address(**changes))


def link(name: str, label: str, **changes: str | None) -> None:
    """Shows a link to a step that keeps project, run and language in the address."""
    st.page_link(STEPS[name].file, label=label, icon=STEPS[name].icon, query_params=state.address(**changes))


def next_button(name: str, label: str, *, on_click: Callable[[], None] | None = None, **changes: str | None) -> None:
    """Ends a page with the one button that leads on; `on_click` is called before it does."""
    st.space("medium")
    if st.button(
        label, key=Key.NEXT, type="primary", icon=":material/arrow_forward:", icon_position="right", on_click=on_click
    ):
        go(name, **changes)


def step_bar(at: Place) -> None:
    """Shows all steps, each with how it stands, and marks the present one."""
    state.session().standings = standing.of_steps(at)
    for name, stands in state.session().standings.items():
        step = STEPS[name]
        st.page_link(
            step.file,
            label=_label(step, stands),
            icon=step.icon,
            query_params=state.address(),
            disabled=at.project is None and name != "projects",
            width="stretch",
        )


def _label(step: Step, stands: Standing) -> str:
    title = _(step.title) if stands.is_possible else f":gray[{_(step.title)}]"
    note = f" :small[:gray[{stands.note}]]" if stands.note else ""
    return title + note + (" :small[:green[:material/check:]]" if stands.is_done else "")


def heading(name: str, at: Place) -> None:
    """Begins a page: where one is, what is done, what comes next, the title and its one sentence."""
    where = _("Step {number} of {total}", number=list(STEPS).index(name) + 1, total=len(STEPS))
    standings = state.session().standings
    after = standing.next_step(standings, name)
    chosen = rail([_mark(one, standings[one], name, after) for one in STEPS], alt=where)
    if chosen and chosen != name:
        go(chosen)
    parts = [where, plain(at.project.name) if at.project and name != "projects" else ""]
    parts.append(_("next: {step}", step=_(STEPS[after].title)) if after else "")
    st.caption(" · ".join(filter(None, parts)))
    st.title(_(STEPS[name].title), anchor=False)
    st.markdown(_(STEPS[name].lead))
    if at.unknown_run and name in STEPS_OF_A_RUN:
        st.info(plain(RunNotFoundError(run_id=at.unknown_run).shown()), icon=":material/info:")


def _mark(name: str, stands: Standing, here: str, after: str | None) -> Mark:
    title = _(STEPS[name].title)
    if name == here:
        done = _("{step}: you are here, and it is done", step=title)
        return Mark(name, title, "here", done if stands.is_done else _("{step}: you are here", step=title))
    if stands.is_done:
        return Mark(name, title, "done", _("{step}: done", step=title))
    if name == after:
        return Mark(name, title, "next", _("{step}: comes next", step=title))
    if stands.is_possible:
        return Mark(name, title, "open", _("{step}: can be done now", step=title))
    return Mark(name, title, "later", _("{step}: later, when the steps before it are done", step=title))
