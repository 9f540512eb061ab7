"""Images: bring pictures in, see what arrived and what was set aside, and put it in order."""

import streamlit as st

from core import dataset, intake
from core.text import _
from core.ui import arriving, curating, findings, gallery, navigation, pieces, sources, state
from core.ui.state import Key

at = state.place()
navigation.heading("images", at)
pieces.require_project(at)
assert at.project is not None

table = dataset.images(at.workspace, at.project.id)
aside = dataset.set_aside(at.workspace, at.project.id)

ready = not table.empty and pieces.is_trainable(table)

status = intake.intake_status(at.workspace, at.project.id)
# What arrives and what goes at the same time would be hard to tell apart.
is_locked = status is not None and not status.is_over

if status:
    arriving.progress(at.workspace, at.project.id)
if status is None or status.error:  # the next attempt takes the error away
    is_open = table.empty or status is not None or state.session().brings_classes
    with st.expander(_("Bring in pictures"), expanded=is_open, icon=":material/add_photo_alternate:"):
        source = st.pills(
            _("How do you bring them?"),
            sources.offered(),
            format_func=lambda name: _(sources.SOURCES[name][0]),
            default="folder",
            required=True,
            key=Key.IMAGE_SOURCE,
            persist_state="page",  # the next class mostly comes from where the last one did
        )
        st.caption(_(sources.SOURCES[source or "folder"][1]))
        # One button at most stands out: that of what comes next, and with pictures to train on it is the last one.
        sources.ask(source or "folder", at.workspace, at.project.id, is_next=not ready)
        if table.empty and source != "samples":
            st.subheader(_("No pictures at hand?"), anchor=False)
            sources.ask("samples", at.workspace, at.project.id)
        st.caption(_("JPEG, PNG, WebP, BMP, GIF, TIFF and HEIC. Anything else is set aside and listed by name."))

pieces.explain("label", "split")

if not aside.empty:
    gallery.set_aside(aside)

found = []
if not table.empty:
    found = findings.show(at.workspace, at.project.id, table, is_locked=is_locked)
    counts = dataset.class_counts(table)
    gallery.totals(table)
    if len(counts) > 1:
        gallery.classes(counts)

curating.show(at.workspace, at.project.id, table, found, is_locked=is_locked)

if ready:
    navigation.next_button("model", _("Next: choose a model"))
