from core.backbones import CATALOG
from core.config import Head
from core.summary import summarize
from core.ui import sharing
from core.ui.state import Key
from tests.pages.reader import open_page, saved_draft, texts

RESIDUAL = CATALOG["residual10"]


def metric(app, label):
    return next(one.value for one in app.metric if one.label == label)


def test_everything_is_frozen_at_first(filled):
    app = open_page("model", project=filled.id, lang="en")
    assert metric(app, "Frozen layers") == f"{RESIDUAL.num_layers} of {RESIDUAL.num_layers}"
    expected = summarize(RESIDUAL, Head(), 2, RESIDUAL.num_layers)
    assert metric(app, "Trainable parameters") == f"{expected.trainable:,}"
    assert metric(app, "Non-trainable parameters") == f"{expected.non_trainable:,}"


def test_the_slider_moves_the_counts_and_is_remembered(workspace, filled):
    app = open_page("model", project=filled.id, lang="en")
    cut = RESIDUAL.stages[-2].num_layers
    app.select_slider(key=Key.STAGE.format("residual10")).set_value(cut).run()
    assert metric(app, "Frozen layers") == f"{cut} of {RESIDUAL.num_layers}"
    assert saved_draft(workspace, filled)["frozen_layers"] == cut
    assert saved_draft(workspace, filled)["preset"] == "own"
    again = open_page("model", project=filled.id, lang="en")
    assert metric(again, "Frozen layers") == f"{cut} of {RESIDUAL.num_layers}"


def test_the_slider_says_that_moving_it_leaves_the_preset_and_then_who_decides(filled):
    app = open_page("model", project=filled.id, lang="en")
    assert "Set by the preset “Quick”. Moving the slider chooses “Own settings” under Train." in texts(app)
    app.select_slider(key=Key.STAGE.format("residual10")).set_value(RESIDUAL.stages[-2].num_layers).run()
    said = texts(app)
    assert "Set by the preset" not in said
    assert "It is trained as it stands here (“Own settings” under Train)." in said
    assert "sets it aside until “Own settings” is chosen again" in said


def test_from_scratch_nobody_has_to_decide_what_is_frozen(filled):
    app = open_page("model", project=filled.id, lang="en")
    app.segmented_control(key=Key.START).set_value("scratch").run()
    assert "Set by the preset" not in texts(app)


def test_an_expert_may_choose_any_layer(filled):
    app = open_page("model", project=filled.id, lang="en")
    app.toggle(key=Key.EXPERT).set_value(True).run()
    app.slider(key=Key.LAYER.format("residual10")).set_value(5).run()
    assert metric(app, "Frozen layers") == f"5 of {RESIDUAL.num_layers}"
    assert not app.exception


def test_from_scratch_freezes_nothing(workspace, filled):
    app = open_page("model", project=filled.id, lang="en")
    app.segmented_control(key=Key.START).set_value("scratch").run()
    assert metric(app, "Frozen layers").startswith("0 of")
    assert saved_draft(workspace, filled)["start"] == "scratch"


def test_another_backbone_is_chosen_on_its_card(workspace, filled):
    app = open_page("model", project=filled.id)
    app.toggle(key=Key.BACKBONE_ALL).set_value(True).run()
    app.button(key=Key.BACKBONE.format("vgg16")).click().run()
    assert saved_draft(workspace, filled)["backbone"] == "vgg16"
    assert not app.exception


def test_pressing_the_chosen_backbone_changes_nothing(workspace, filled):
    app = open_page("model", project=filled.id)
    cut = RESIDUAL.stages[-2].num_layers
    app.select_slider(key=Key.STAGE.format("residual10")).set_value(cut).run()
    before = saved_draft(workspace, filled)
    app.button(key=Key.BACKBONE.format("residual10")).click().run()
    assert saved_draft(workspace, filled) == before


def test_weights_that_are_not_here_are_announced_with_size_and_address(filled, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    app = open_page("model", project=filled.id, lang="en")
    app.toggle(key=Key.BACKBONE_ALL).set_value(True).run()
    app.button(key=Key.BACKBONE.format("vgg16")).click().run()
    said = texts(app)
    assert "The weights of VGG16 are not on this machine" in said
    assert CATALOG["vgg16"].weights.url in said
    assert len(app.get("file_uploader")) == 1
    assert not app.exception


def test_where_others_use_the_server_nobody_brings_weights_for_all(filled, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(sharing, "is_shared", lambda: True)
    app = open_page("model", project=filled.id, lang="en")
    app.toggle(key=Key.BACKBONE_ALL).set_value(True).run()
    app.button(key=Key.BACKBONE.format("vgg16")).click().run()
    assert "The weights of VGG16 are not on this machine" in texts(app)
    assert len(app.get("file_uploader")) == 0


def test_the_head_is_remembered(workspace, filled):
    app = open_page("model", project=filled.id)
    app.radio(key=Key.HEAD_KIND).set_value("flatten").run()
    app.select_slider(key=Key.HEAD_HIDDEN).set_value(128).run()
    head = saved_draft(workspace, filled)["head"]
    assert (head["kind"], head["hidden_units"]) == ("flatten", 128)


def test_every_layer_is_listed_and_the_input_once(filled):
    app = open_page("model", project=filled.id, lang="en")
    table = app.dataframe[0].value
    assert len(table) >= RESIDUAL.num_layers
    assert table["type"].to_list().count("InputLayer") == 1
    assert table["parameters"].sum() == summarize(RESIDUAL, Head(), 2, RESIDUAL.num_layers).total


def test_only_a_layer_with_parameters_is_frozen_or_trainable(filled):
    app = open_page("model", project=filled.id, lang="en")
    table = app.dataframe[0].value
    empty = table["parameters"] == 0
    assert set(table.loc[empty, "state"]) == {"–"}
    assert set(table.loc[~empty, "state"]) == {"❄ frozen", "✎ trainable"}
    assert table.iloc[-1]["state"] == "✎ trainable"
