"""The steps of the journey: what they are called, where one stands, what is still missing, how to get on."""

from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import Page

from core import dataset, runs
from core.runs import Run, RunNotFoundError, State
from core.text import N_, _, ngettext, percent
from core.ui import state
from core.ui.markup import plain
from core.ui.rail import rail
from core.ui.state import Key, Place


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
    """Returns the pages for `st.navigation`, titled in the reader's language."""
    return [
        st.Page(step.file, title=_(step.title), icon=step.icon, default=name == "projects")
        for name, step in STEPS.items()
    ]


STEPS_OF_A_RUN = ("train", "learned", "try_it", "take_home")


def go(name: str, **changes: str | None) -> None:
    """Opens a step; project, run and language stay in the address unless changed."""
    st.switch_page(STEPS[name].file, query_params=state.address(**changes))


def link(name: str, label: str, **changes: str | None) -> None:
    """Shows a link to a step that keeps project, run and language in the address."""
    st.page_link(STEPS[name].file, label=label, icon=STEPS[name].icon, query_params=state.address(**changes))


def next_button(name: str, label: str, *, disabled: bool = False, **changes: str | None) -> None:
    """Ends a page with the one button that leads on."""
    st.space("medium")
    if st.button(
        label, key=Key.NEXT, type="primary", icon=":material/arrow_forward:", icon_position="right", disabled=disabled
    ):
        go(name, **changes)


def step_bar(at: Place) -> None:
    """Shows all steps, each with how it stands, and marks the present one."""
    standing = _standing(at)
    for name, step in STEPS.items():
        note = standing.get(name, "")
        st.page_link(
            step.file,
            label=f"{_(step.title)} :small[:gray[{note}]]" if note else _(step.title),
            icon=step.icon,
            query_params=state.address(),
            disabled=at.project is None and name != "projects",
            width="stretch",
        )


def heading(name: str, at: Place) -> None:
    """Begins a page: where one is, what is done, the title and its one sentence."""
    here = list(STEPS).index(name)
    where = _("Step {number} of {total}", number=here + 1, total=len(STEPS))
    done = _done(at)
    left = [_(step.title) for step, is_done in zip(STEPS.values(), done, strict=True) if not is_done]
    rail(done, here, alt=f"{where}. " + (_("Still to do: {steps}.", steps=", ".join(left)) if left else ""))
    st.caption(f"{where} · {plain(at.project.name)}" if at.project and name != "projects" else where)
    st.title(_(STEPS[name].title), anchor=False)
    st.markdown(_(STEPS[name].lead))
    if at.unknown_run and name in STEPS_OF_A_RUN:
        st.info(plain(RunNotFoundError(run_id=at.unknown_run).shown()), icon=":material/info:")


def _done(at: Place) -> list[bool]:
    """For each step whether what it supplies is there."""
    if at.project is None:
        return [False] * len(STEPS)
    has_images = dataset.num_images(at.workspace, at.project.id) > 0
    own_runs = runs.list_runs(at.workspace, at.project.id)
    has_model = any(run.has_model for run in own_runs)
    return [True, has_images, bool(own_runs), *[has_model] * (len(STEPS) - 3)]


def _standing(at: Place) -> dict[str, str]:
    """A few words for each step on how it stands; nothing for a step of which there is nothing to say."""
    if at.project is None:
        return {}
    num_images = dataset.num_images(at.workspace, at.project.id)
    own_runs = runs.list_runs(at.workspace, at.project.id)
    standing = {
        "images": ngettext("{count} picture", "{count} pictures", num_images) if num_images else _("none yet"),
        "model": state.draft(at).row.title,
        "train": _training(own_runs),
    }
    best = best_accuracy(own_runs)
    if best is not None:
        standing["learned"] = percent(best)
    return standing


def _training(own_runs: list[Run]) -> str:
    if any(not run.state.is_over for run in own_runs):
        waiting = all(run.state.is_over or run.state == State.QUEUED for run in own_runs)
        return _("waiting") if waiting else _("running")
    return ngettext("{count} run", "{count} runs", len(own_runs)) if own_runs else ""


def best_accuracy(own_runs: list[Run]) -> float | None:
    """Returns the validation accuracy of the newest run that has a model, 0 to 1; None where there is none."""
    newest = next((run for run in own_runs if run.has_model), None)
    return state.history(newest).best_accuracy if newest else None
