import json
import math
import re
import sys
from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras.src.legacy.saving import legacy_h5_format

from core import backbones
from core.backbones import CATALOG, Weights
from core.config import Head, Phase, RunConfig
from core.ml import export
from core.ml import model as network
from core.ml.model import backbone_of, build_backbone, build_model, freeze_layers
from core.ml.prefix import cut, frontier_of
from core.ml.train import compile_model, freeze_phase
from core.saved.proving import _unknown_kinds
from core.summary import layer_table, summarize
from tests.ml.test_prefix import assert_parts_make_the_whole

HEADS = (
    Head(),
    Head(kind="flatten", dropout=0),
    Head(kind="flatten", hidden_units=16),
    Head(normalize=False, hidden_units=32, dropout=0.5),
)


@pytest.fixture(scope="module", params=CATALOG.values(), ids=lambda row: row.name)
def row(request):
    return request.param


@pytest.fixture(scope="module")
def backbone(row):
    """Built once for all tests that only look at it, or freeze it anew."""
    keras.backend.clear_session()  # Keras numbers nameless layers through a process; a worker is a fresh one
    yield build_backbone(row, row.image_size, pretrained=False)
    keras.backend.clear_session()


@pytest.fixture(scope="module")
def config(row):
    phases = (Phase(1, 1e-3, row.num_layers),)
    return RunConfig(backbone=row.name, image_size=row.min_image_size, labels=("a", "b", "c"), phases=phases)


@pytest.fixture(scope="module")
def model(config):
    """The whole network at its smallest, built once like the backbone."""
    keras.backend.clear_session()
    yield build_model(config, pretrained=False)
    keras.backend.clear_session()


def counted(model):
    """All, trainable and non-trainable parameters."""
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return model.count_params(), trainable, model.count_params() - trainable


def said_by_keras(model):
    """Totals of Keras' own summary, as (total, trainable, non-trainable)."""
    lines = []
    model.summary(expand_nested=True, line_length=200, print_fn=lambda line, **_: lines.append(line))
    text = "\n".join(lines)
    names = ("Total params", "Trainable params", "Non-trainable params")
    return tuple(int(re.search(rf" {name}: ([\d,]+)", text)[1].replace(",", "")) for name in names)


def rows_of(model):
    """Name, type, shape and parameters of every layer, nested ones in place."""
    rows = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            rows += rows_of(layer)
        else:
            shape = ", ".join(str(size) for size in layer.output.shape[1:])
            rows.append((layer.name, type(layer).__name__, shape, layer.count_params()))
    return rows


@pytest.mark.slow
def test_summary_is_what_keras_says_for_every_cut_and_head(row, backbone):
    images = keras.Input((row.image_size, row.image_size, 3), name="image")
    features = backbone(network.preprocess(images, row.pixels))
    for head in HEADS:
        model = keras.Model(images, network.add_head(features, head, 3))
        ours = summarize(row, head, 3, 0).layers[["layer", "type", "output_shape", "parameters"]]
        assert list(ours.itertuples(index=False, name=None)) == rows_of(model)
        for num_layers in (0, *(stage.num_layers for stage in row.stages)):
            freeze_layers(backbone, num_layers)
            summary = summarize(row, head, 3, num_layers)
            assert (summary.total, summary.trainable, summary.non_trainable) == counted(model)
        assert counted(model) == said_by_keras(model)  # which is slow to write


@pytest.mark.slow
def test_trainable_parameters_are_right_for_a_cut_at_any_layer(row, backbone):
    """A summary adds up what its layer table says of the layers after the cut, so each layer has to be right."""
    freeze_layers(backbone, 0, learn_statistics=True)
    trainable = [sum(math.prod(weight.shape) for weight in layer.trainable_weights) for layer in backbone.layers]
    assert list(layer_table(row.name).groupby("place")["trainable"].sum()) == trainable


@pytest.mark.slow
def test_every_stage_ends_in_one_tensor_where_the_layer_table_says(row, backbone):
    allowed = 2 if row.name == "nasnetmobile" else 1  # NASNet's cells look two back
    table = layer_table(row.name)
    network.remove_randomness(backbone)
    for stage in row.stages[:-1]:
        freeze_layers(backbone, stage.num_layers)
        frontier = frontier_of(backbone)
        assert len(frontier.shapes) <= allowed, stage
        said = table[table["place"] == stage.num_layers - 1].iloc[0]
        assert (str(said["frontier"]), said["values"]) == (frontier.name, frontier.num_values)


@pytest.mark.slow
def test_saved_project_may_hold_every_kind_of_layer(model):
    assert _unknown_kinds(json.loads(model.to_json())) == set()


@pytest.mark.slow
def test_backbone_trains_one_step_exports_and_reloads(row, config, model, tmp_path):
    phase = replace(config.phases[0], frozen_layers=row.stages[-2].num_layers)
    freeze_phase(model, config, phase)
    compile_model(model, config, phase)
    model.run_eagerly = True  # tracing a graph for one step takes longer than the step
    images = pixels(config.image_size, 2)
    loss = model.fit(images, np.eye(3)[[0, 1]], verbose=0).history["loss"][0]
    assert np.isfinite(loss)

    stated = np.array(model(images, training=False))
    export.write_keras(model, tmp_path)
    export.write_litert(model, tmp_path)
    reloaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(np.array(reloaded(images, training=False)), stated, atol=1e-6)
    np.testing.assert_allclose(said_by_litert(tmp_path / "model.tflite", images), stated, atol=1e-4)


def pixels(size, number):
    return np.random.default_rng(1).uniform(0, 255, (number, size, size, 3)).astype(np.float32)


def said_by_litert(path, images):
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    answers = []
    for image in images:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.array(answers)


@pytest.mark.slow
def test_prefix_then_suffix_is_the_whole_network_at_every_stage_and_at_any_layer(row, config, model):
    images = pixels(config.image_size, 2)
    whole = np.asarray(model(images, training=False))
    single_layers = np.random.default_rng(7).integers(2, row.num_layers, 2)
    for num_layers in [*(stage.num_layers for stage in row.stages), *map(int, single_layers)]:
        freeze_layers(backbone_of(model, config), num_layers)
        parts = cut(model, config)
        if parts.prefix is not None:
            assert_parts_make_the_whole(parts, images, whole)
            trainable = {weight.path for weight in model.trainable_weights}
            assert {weight.path for weight in parts.suffix.trainable_weights} == trainable


@pytest.mark.slow
def test_our_network_with_our_preprocessing_gives_what_keras_gives_for_imagenet(row, backbone, tmp_path, monkeypatch):
    if row.weights is None:
        pytest.skip("our own network")
    path = tmp_path / row.weights.file
    publish(backbone, path)
    asked = {}
    monkeypatch.setattr(
        keras.src.utils.file_utils, "get_file", lambda *args, **more: asked_for(args, more, asked, path)
    )
    constructor = getattr(keras.applications, row.constructor)
    shape = (row.image_size, row.image_size, 3)
    theirs = constructor(include_top=False, weights="imagenet", input_shape=shape, **row.arguments)
    assert row.weights == Weights(asked["fname"], asked["origin"], checksum_of(asked.get("file_hash")))

    images = pixels(row.image_size, 1)
    preprocess_input = sys.modules[constructor.__module__].preprocess_input
    expected = np.array(theirs(preprocess_input(images.copy()), training=False))
    inputs = keras.Input(shape)
    preprocess = keras.Model(inputs, network.preprocess(inputs, row.pixels))
    said = np.array(backbone(preprocess(images), training=False))
    # float32 through up to 500 layers, relative to the size of what comes out
    np.testing.assert_allclose(said, expected, atol=1e-3 * np.abs(expected).max())


@pytest.mark.slow
def test_published_weights_of_the_smallest_mobilenet_are_used(shared_data, monkeypatch):
    path = shared_data / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
    if not path.exists():
        pytest.skip("the weights of MobileNet 0.25 are not on this machine")
    monkeypatch.setattr(backbones, "weights_path", lambda backbone: path)
    model = build_backbone(CATALOG["mobilenet_025"], 224, pretrained=True)
    with h5py.File(path) as file:
        published = np.array(file["conv1"]["conv1"]["kernel:0"])
    np.testing.assert_array_equal(np.array(model.get_layer("conv1").kernel), published)


def asked_for(args, more, asked, path):
    """Stands in for Keras' download: notes what was asked for, and gives our file."""
    asked.update(zip(("fname", "origin"), args, strict=False), **more)
    return str(path)


def checksum_of(file_hash):
    """Writes Keras' checksum as the catalog does; by its length, as Keras tells the kinds apart."""
    if not file_hash:
        return None
    return f"{'sha256' if len(file_hash) == 64 else 'md5'}:{file_hash}"


def publish(backbone, path):
    """Writes random weights in the form in which the pretrained ones are published."""
    if backbone.name == "efficientnetb0":
        normalization = backbone.get_layer("normalization")
        statistics = (network.IMAGENET_MEAN, network.IMAGENET_DEVIATION, 0)
        normalization.set_weights([np.array(values) for values in statistics])
        normalization.finalize_state()
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, backbone)
