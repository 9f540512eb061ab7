"""What it learned: accuracy, what is confused with what, each class on its own, the worst mistakes."""

import streamlit as st

from core import dataset, metrics, runs
from core.text import _
from core.ui import freshness, mistakes, navigation, pieces, results, state, words

at = state.place()
navigation.heading("learned", at)
run = pieces.require_model(at)
table = dataset.images(at.workspace, run.project_id)
with st.container():  # what comes or goes in it must not move the rest, which would begin anew
    for changed in freshness.changes([run], table).values():
        freshness.note(changed)

labels = runs.read_config(run).labels
split = results.choose_split(run)
predictions = metrics.read_predictions(run.folder, split)

results.headline(run, predictions)
if metrics.is_like_guessing(predictions):
    results.like_guessing(run, predictions)
pieces.explain("accuracy", "validation", "interval", "epoch", "confusion", "precision", "recall", "overfitting")

st.header(_("What it confuses"), anchor=False, help=words.meaning("confusion"))
results.confusion(predictions, labels)

st.header(_("Each class on its own"), anchor=False)
results.class_table(metrics.class_scores(predictions, labels))

mistakes.show(at.workspace, run, predictions, table)

with st.expander(_("How the training went"), icon=":material/show_chart:"):
    results.training_charts(run)

navigation.next_button("try_it", _("Next: try it on new pictures"), run=run.id)
