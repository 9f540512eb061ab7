from streamlit.testing.v1 import AppTest

from core import curation, events, runs
from core.backbones import CATALOG
from core.runs import State
from core.ui.state import Key
from tests.pages.conftest import LABELS, FakeWorker
from tests.pages.reader import open_page, parameter, saved_draft, texts

RESIDUAL = CATALOG["residual10"]


def the_run(workspace, project):
    (run,) = runs.list_runs(workspace, project.id)
    return run


def test_start_writes_a_run_and_puts_it_into_the_address(workspace, filled):
    app = open_page("train", project=filled.id)
    app.text_input(key=Key.RUN_NAME.format("")).set_value("My try")
    app.button(key=Key.START_RUN).click().run()
    run = the_run(workspace, filled)
    config = runs.read_config(run)
    assert run.name == "My try"
    assert config.labels == tuple(sorted(LABELS))
    assert len(config.phases) == 1
    assert parameter(app, "run") == run.id
    assert not app.exception


def test_a_run_started_while_another_trains_is_shown_with_its_place_in_line(workspace, filled, worker, own_process):
    worker.begin(*own_process)
    app = open_page("train", project=filled.id, lang="en")
    app.text_input(key=Key.RUN_NAME.format(worker.run.id)).set_value("My try")
    app.button(key=Key.START_RUN).click().run()
    said = texts(app)
    assert said.index("### My try") < said.index("Waiting: 1 run goes before this one.")
    assert not form_is_open(app)
    (name,) = (field.value for field in app.text_input if field.label == "Name of the run")
    assert name == ""


def test_better_trains_in_two_phases(workspace, filled):
    app = open_page("train", project=filled.id)
    app.button(key=Key.PRESET.format("better")).click().run()
    app.button(key=Key.START_RUN).click().run()
    first, second = runs.read_config(the_run(workspace, filled)).phases
    assert second.frozen_layers < first.frozen_layers


def test_a_preset_says_before_it_is_chosen_that_it_sets_aside_ones_own_freezing_which_comes_back(filled):
    model = open_page("model", project=filled.id, lang="en")
    assert "that you chose" not in texts(open_page("train", project=filled.id, lang="en"))
    model.select_slider(key=Key.STAGE.format("residual10")).set_value(RESIDUAL.stages[-2].num_layers).run()
    app = open_page("train", project=filled.id, lang="en")
    chosen = RESIDUAL.stages[-2].num_layers
    told = f"In place of the {chosen} layers that you chose, which “Own settings” keeps."
    assert texts(app).count(told) == 1  # “Better” freezes just as many, “Quick” all
    app.button(key=Key.PRESET.format("quick")).click().run()
    assert told not in texts(app)
    app.button(key=Key.PRESET.format("own")).click().run()
    assert f"**{RESIDUAL.title}** · {chosen} of {RESIDUAL.num_layers} layers frozen" in texts(app)
    assert told in texts(app)


def test_nobody_is_told_to_have_chosen_what_a_preset_or_another_network_froze(filled):
    app = open_page("train", project=filled.id, lang="en")
    for preset in ("better", "own"):
        app.button(key=Key.PRESET.format(preset)).click().run()
    assert "that you chose" not in texts(app)
    model = open_page("model", project=filled.id, lang="en")
    model.select_slider(key=Key.STAGE.format("residual10")).set_value(0).run()
    model.toggle(key=Key.BACKBONE_ALL).set_value(True).run()
    model.button(key=Key.BACKBONE.format("vgg16")).click().run()
    assert "that you chose" not in texts(open_page("train", project=filled.id, lang="en"))


def test_own_settings_begin_with_the_preset_and_are_used(workspace, filled):
    app = open_page("train", project=filled.id)
    app.button(key=Key.PRESET.format("own")).click().run()
    assert app.number_input(key=Key.SETTING.format("epochs")).value == 20
    app.number_input(key=Key.SETTING.format("epochs")).set_value(3).run()
    app.selectbox(key=Key.SETTING.format("optimizer") + "_en").set_value("sgd").run()
    app.toggle(key=Key.SETTING.format("class_weights")).set_value(True).run()
    app.button(key=Key.START_RUN).click().run()
    config = runs.read_config(the_run(workspace, filled))
    assert (config.epochs, config.optimizer, config.class_weights) == (3, "sgd", True)
    assert saved_draft(workspace, filled)["epochs"] == 3


def test_every_own_setting_has_a_sentence_of_help(filled):
    app = open_page("train", project=filled.id)
    app.button(key=Key.PRESET.format("own")).click().run()
    asked = [*app.number_input, *app.selectbox, *app.select_slider, *app.slider, *app.toggle]
    settings = [element for element in asked if (element.key or "").startswith("setting_")]
    assert len(settings) == 11
    assert all(len(element.help) > 20 for element in settings)


def test_a_project_with_one_class_is_sent_back_to_the_pictures(workspace, filled):
    curation.remove_class(workspace, filled.id, LABELS[0])
    app = open_page("train", project=filled.id)
    assert Key.START_RUN not in [button.key for button in app.button]


def test_a_running_run_shows_how_far_it_is_and_can_be_stopped(workspace, filled, worker, own_process):
    worker.begin(*own_process)
    app = open_page("train", project=filled.id, run=worker.run.id, lang="en")
    said = texts(app)
    assert "First \\*try\\*" in said
    assert "The weights were taken from here" in said
    app.button(key=Key.STOP_RUN).click().run()
    assert (worker.run.folder / "stop").exists()
    assert app.button(key=Key.STOP_RUN).disabled


def place_of_charts(app, at=()):
    """The numbers, from the page down, of the block that holds the charts."""
    block = app.main
    for index in at:
        block = block.children[index]
    own = [child for child in block.children.values() if child.type == "column"]
    if own:
        return [at]
    return [
        place
        for index, child in block.children.items()
        if hasattr(child, "children")
        for place in place_of_charts(app, (*at, index))
    ]


def test_what_the_run_says_meanwhile_does_not_move_its_charts(workspace, filled, worker, own_process):
    # The browser would take a chart at another place for another chart, and draw it anew without its zoom.
    worker.begin(*own_process)
    page = {"project": filled.id, "run": worker.run.id, "lang": "en"}
    (before,) = place_of_charts(open_page("train", **page))
    worker.say(worker.epoch(2, 0.75), events.Note(sentence="The disk is full.", values={}))
    curation.move_images(workspace, filled.id, [1], LABELS[1])
    app = open_page("train", **page)
    assert "The disk is full" in texts(app)
    assert "Since this training began" in texts(app)
    assert place_of_charts(app) == [before]


def test_a_run_that_failed_before_its_first_batch_shows_no_empty_charts(filled, worker, own_process):
    worker.say(
        events.Started(pid=own_process[0], process_created=own_process[1]),
        events.Ready(num_training=8, num_validation=4, num_test=0, epochs=20),
        events.Failed(sentence="The disk is full.", values={}),
    )
    runs.record_state(worker.workspace, worker.run.id, State.FAILED)
    app = open_page("train", project=filled.id, run=worker.run.id, lang="en")
    assert any("The disk is full" in error.value for error in app.error)
    assert place_of_charts(app) == []


def figure(app, label):
    return next(metric.value for metric in app.metric if metric.label == label)


def test_the_figures_of_a_run_that_goes_on_say_whose_they_are(filled, worker, own_process):
    worker.begin(*own_process)
    page = {"project": filled.id, "run": worker.run.id, "lang": "en"}
    assert "epoch 1, the latest one and the best so far" in texts(open_page("train", **page))
    worker.say(worker.epoch(2, 0.25, best=False))
    app = open_page("train", **page)
    assert figure(app, "Right in validation") == "25.0%"
    assert "epoch 2, the latest one. The best so far is epoch 1 with 50.0%." in texts(app)


def test_a_run_being_packed_says_why_its_figures_changed(filled, worker, own_process):
    worker.begin(*own_process)
    worker.say(worker.epoch(2, 0.75, best=False), events.Finishing(best_epoch=1))
    app = open_page("train", project=filled.id, run=worker.run.id, lang="en")
    assert figure(app, "Right in validation") == "50.0%"
    said = texts(app)
    assert "Best epoch 1 of 2 is kept: 50.0%." in said
    assert "The last one, with 75.0%, had a higher loss" in said
    assert "the latest one" not in said


def test_figures_that_did_not_change_at_the_end_are_not_explained(filled, finished):
    app = open_page("train", project=filled.id, run=finished.id, lang="en")
    assert figure(app, "Right in validation") == "75.0%"
    assert "Best epoch 2 of 2 is kept: 75.0%." in texts(app)
    assert "The last one" not in texts(app)


def test_the_list_says_that_the_accuracy_of_a_run_that_goes_on_is_not_its_last(filled, worker, own_process):
    worker.begin(*own_process)
    app = open_page("train", project=filled.id, run=worker.run.id, lang="en")
    assert "50.0% so far" in texts(app)
    worker.finish()
    app.run()
    assert "75.0% right" in texts(app)


def test_a_run_that_ends_while_one_watches_leads_on(workspace, filled, worker, own_process):
    worker.begin(*own_process)
    app = open_page("train", project=filled.id, run=worker.run.id, lang="en")
    assert Key.NEXT not in [button.key for button in app.button]
    worker.finish()
    app.run()
    assert "Epoch 2 named 75.0%" in texts(app)
    app.button(key=Key.NEXT).click().run()
    assert parameter(app, "run") == worker.run.id
    assert not app.exception


def test_a_waiting_run_says_how_many_go_before(workspace, filled, worker, own_process):
    worker.begin(*own_process)
    second = runs.create_run(workspace, filled.id, "second", worker.config, worker.table)
    said = texts(open_page("train", project=filled.id, run=second.id, lang="en"))
    assert "Waiting: 1 run goes before this one" in said


def test_a_waiting_run_is_moved_up_with_a_click_while_another_waits_before_it(workspace, filled, worker, own_process):
    worker.begin(*own_process)
    second, third = (
        runs.create_run(workspace, filled.id, name, worker.config, worker.table) for name in ("second", "third")
    )
    app = open_page("train", project=filled.id, run=third.id, lang="en")
    assert "Waiting: 2 runs go before this one" in texts(app)
    app.button(key=Key.MOVE_UP).click().run()
    assert "Waiting: 1 run goes before this one" in texts(app)
    assert Key.MOVE_UP not in [button.key for button in app.button]
    assert "Waiting: 2 runs go before" in texts(open_page("train", project=filled.id, run=second.id, lang="en"))


def test_the_list_says_how_many_go_before_each_waiting_run_and_reads_the_line_once(
    workspace, filled, worker, own_process, monkeypatch
):
    worker.begin(*own_process)
    third, second = (
        runs.create_run(workspace, filled.id, name, worker.config, worker.table) for name in ("third", "second")
    )
    runs.swap_places(workspace, third, second)
    read, list_unfinished = [], runs.list_unfinished
    monkeypatch.setattr(runs, "list_unfinished", lambda workspace: read.append(1) or list_unfinished(workspace))
    app = open_page("train", project=filled.id, run=worker.run.id, lang="en")
    waiting = [one.value for one in app.markdown if "waiting" in one.value]
    assert ["1 run before it" in one for one in waiting] == [True, False]  # the newest stands first in the list
    assert ["2 runs before it" in one for one in waiting] == [False, True]
    assert len(read) == 1


def test_a_waiting_run_before_which_there_is_none_begins_in_a_moment(filled, worker):
    said = texts(open_page("train", project=filled.id, run=worker.run.id, lang="en"))
    assert "Waiting: it begins in a moment." in said
    assert "waiting · begins in a moment" in said


def test_the_list_follows_where_the_line_moves_on(workspace, filled, worker, own_process):
    worker.begin(*own_process)
    second = runs.create_run(workspace, filled.id, "second", worker.config, worker.table)
    app = open_page("train", project=filled.id, run=second.id, lang="en")
    assert "waiting · 1 run before it" in texts(app)
    worker.finish()
    app.run()
    assert "waiting · begins in a moment" in texts(app)


def test_the_bar_of_a_stopped_run_shows_how_far_it_came(workspace, filled, worker):
    worker.begin(1, 0.0)
    worker.say(events.Finishing(best_epoch=1), events.Stopped(best_epoch=1, val_accuracy=0.5))
    runs.record_state(workspace, worker.run.id, State.STOPPED)
    (bar,) = open_page("train", project=filled.id, run=worker.run.id, lang="en").get("progress")
    assert bar.proto.value == 7  # of 100: one and a half of 20 epochs
    assert bar.proto.text.startswith("1 of 20 epochs · ")


def test_the_bar_of_a_finished_run_is_full(filled, finished):
    (bar,) = open_page("train", project=filled.id, run=finished.id, lang="en").get("progress")
    assert bar.proto.value == 100
    assert "epochs" not in bar.proto.text


def form_is_open(app) -> bool:
    (form,) = [one for one in app.expander if one.label == "Start a new run"]
    return form.proto.expanded


def test_without_a_run_in_the_address_the_newest_is_shown_and_the_next_can_be_started(workspace, filled, worker):
    worker.begin(1, 0.0)
    worker.finish()
    newer = FakeWorker(workspace, filled)
    newer.begin(1, 0.0)
    newer.stop()
    app = open_page("train", project=filled.id, lang="en")
    assert "nothing to keep" in texts(app) and "Done." not in texts(app)
    assert form_is_open(app)
    app.button(key=Key.OPEN_RUN.format(worker.run.id)).click().run()
    assert "Done." in texts(app)
    assert not form_is_open(app)


def test_a_run_that_goes_on_is_shown_before_a_newer_one_that_is_over(workspace, filled, worker, own_process):
    worker.begin(*own_process)
    newer = FakeWorker(workspace, filled)
    newer.begin(1, 0.0)
    newer.stop()
    app = open_page("train", project=filled.id, lang="en")
    assert Key.STOP_RUN in [button.key for button in app.button]
    assert not form_is_open(app)


def test_in_place_of_an_unknown_run_no_other_is_shown(filled, finished):
    app = open_page("train", project=filled.id, run="nothing", lang="en")
    assert "There is no run “nothing” here" in texts(app)
    assert "Done." not in texts(app)
    assert form_is_open(app)


def test_a_failure_is_told_in_its_own_sentence(filled, worker):
    worker.begin(1, 0.0)
    worker.fail()
    app = open_page("train", project=filled.id, run=worker.run.id)
    assert "The disk is full" in app.error[0].value


def test_a_lost_run_says_what_may_have_happened(filled, worker):
    worker.begin(1, 0.0)
    app = open_page("train", project=filled.id, run=worker.run.id, lang="en")
    assert "its process is gone" in app.error[0].value


def test_a_stop_before_the_first_epoch_says_that_nothing_was_kept(filled, worker):
    worker.begin(1, 0.0)
    worker.stop()
    app = open_page("train", project=filled.id, run=worker.run.id, lang="en")
    assert "nothing to keep" in app.info[0].value


def test_a_run_is_deleted_after_asking(workspace, filled, finished):
    app = open_page("train", project=filled.id, run=finished.id)
    app.button(key=Key.DELETE_RUN.format(finished.id)).click().run()
    assert runs.open_run(workspace, finished.id).state == State.FINISHED
    app.button(key=Key.CONFIRM).click().run()
    assert runs.list_runs(workspace, filled.id) == []
    assert not app.exception


def test_the_icon_that_deletes_a_run_is_heard_by_the_name_of_the_run(filled, finished):
    app = open_page("train", project=filled.id, run=finished.id, lang="en")
    assert app.button(key=Key.DELETE_RUN.format(finished.id)).label == "Delete the training “First \\*try\\*”"


def test_a_run_whose_folder_is_gone_is_listed_without_its_backbone(filled, finished):
    (finished.folder / "config.json").unlink()
    app = open_page("train", project=filled.id, run=finished.id, lang="en")
    assert "deleted meanwhile" in texts(app)
    assert not app.error


def test_a_watched_run_that_was_deleted_meanwhile_is_told_calmly(workspace, filled, finished):
    def script(home, run_id):
        from pathlib import Path

        from core import jobs
        from core.ui import live
        from core.workspace import Workspace

        live._ask(jobs.stop_run, Workspace(Path(home)), run_id)
        live._view(Workspace(Path(home)), run_id, live.REFRESH_SECONDS, None)

    runs.delete_run(workspace, finished.id)
    app = AppTest.from_function(script, args=(str(workspace.home), finished.id)).run()
    assert "There is no run" in app.info[0].value
    assert not app.exception


def test_a_running_run_can_be_paused_and_a_paused_one_goes_on(workspace, filled, worker, own_process):
    worker.begin(*own_process)
    page = {"project": filled.id, "run": worker.run.id, "lang": "en"}
    app = open_page("train", **page)
    app.button(key=Key.PAUSE_RUN).click().run()
    assert (worker.run.folder / events.PAUSE).exists()
    assert app.button(key=Key.PAUSE_RUN).label == "Pausing …" and app.button(key=Key.PAUSE_RUN).disabled

    worker.say(events.Paused())
    runs.record_state(workspace, worker.run.id, State.PAUSED)
    app = open_page("train", **page)
    assert "Paused before its first epoch was complete" in texts(app)
    assert app.button(key=Key.RESUME_RUN).label == "Start again"
    worker.keep_epoch()
    app = open_page("train", project=filled.id, lang="en")  # it is shown without being asked for
    assert "It uses neither processor nor memory" in texts(app)
    app.button(key=Key.RESUME_RUN).click().run()
    assert runs.open_run(workspace, worker.run.id).state == State.QUEUED
    assert not (worker.run.folder / events.PAUSE).exists()


def test_a_run_that_broke_off_keeps_its_epochs_where_it_has_any(workspace, filled, worker):
    worker.begin(1, 0.0)
    page = {"project": filled.id, "run": worker.run.id, "lang": "en"}
    app = open_page("train", **page)
    assert app.button(key=Key.RESUME_RUN).label == "Start again"
    assert Key.FINISH_RUN not in [button.key for button in app.button]
    worker.keep_epoch()
    app = open_page("train", **page)
    assert app.button(key=Key.RESUME_RUN).label == "Go on"
    app.button(key=Key.FINISH_RUN).click().run()
    assert runs.open_run(workspace, worker.run.id).state == State.QUEUED
    assert (worker.run.folder / events.STOP).exists()


def test_a_finished_run_can_be_trained_longer(workspace, filled, worker, own_process):
    worker.begin(*own_process)
    worker.finish()
    worker.keep_epoch()
    app = open_page("train", project=filled.id, run=worker.run.id, lang="en")
    app.number_input(key=Key.MORE_EPOCHS).set_value(3).run()
    app.button(key=Key.TRAIN_LONGER).click().run()
    (phase,) = runs.read_config(worker.run).phases
    assert phase.epochs == worker.config.phases[0].epochs + 3
    assert runs.open_run(workspace, worker.run.id).state == State.QUEUED
