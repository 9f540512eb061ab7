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
from core.ml.model import build_backbone, build_model, freeze_layers
from core.ml.train import compile_phase
from core.summary import layer_table, summarize

HEADS = (
    Head(),
    Head(kind="flatten", dropout=0),
    Head(kind="flatten", hidden_units=16),
    Head(normalize=False, hidden_units=32, dropout=0.5),
)
each = pytest.mark.parametrize("row", CATALOG.values(), ids=lambda row: row.name)


@pytest.fixture(autouse=True)
def fresh_names():
    """Keras numbers nameless layers through a process; a worker is a fresh one."""
    keras.backend.clear_session()


def config_of(row, size, **changes):
    phases = (Phase(1, 1e-3, row.num_layers),)
    return RunConfig(backbone=row.name, image_size=size, labels=("a", "b", "c"), phases=phases, **changes)


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
@each
def test_summary_is_what_keras_says_for_every_cut_and_head(row):
    images = keras.Input((row.image_size, row.image_size, 3), name="image")
    backbone = build_backbone(row, row.image_size, pretrained=False)
    features = backbone(network.preprocess(images, row.pixels))
    freeze_layers(backbone, 0)
    # A total is the sum over the layers that are not frozen, so this holds for a cut at any single layer.
    trainable = [sum(math.prod(weight.shape) for weight in layer.trainable_weights) for layer in backbone.layers]
    assert list(layer_table(row.name)["trainable"]) == trainable
    for head in HEADS:
        model = keras.Model(images, network.add_head(features, head, 3))
        ours = summarize(row, head, 3, 0).layers[["layer", "type", "output_shape", "parameters"]]
        assert list(ours.itertuples(index=False, name=None)) == rows_of(model)
        for num_layers in (0, *(stage.num_layers for stage in row.stages)):
            freeze_layers(backbone, num_layers)
            summary = summarize(row, head, 3, num_layers)
            assert (summary.total, summary.trainable, summary.non_trainable) == said_by_keras(model)


@pytest.mark.slow
@each
def test_every_stage_ends_in_one_tensor(row):
    backbone = build_backbone(row, row.min_image_size, pretrained=False)
    allowed = 2 if row.name == "nasnetmobile" else 1  # NASNet's cells look two back
    for stage in row.stages[:-1]:
        assert num_tensors_across(backbone, stage.num_layers) <= allowed, stage


def num_tensors_across(backbone, num_layers):
    """How many tensors made by the first layers, and by the nameless operations among them, are used after them."""
    cut = backbone.layers[num_layers - 1]
    order = backbone.operations
    place = {id(operation): index for index, operation in enumerate(order)}
    end = place[id(cut)]
    while end + 1 < len(order) and not isinstance(order[end + 1], keras.Layer):
        end += 1  # an addition that is no layer belongs to the block before it
    made = {}
    nodes = [node for depth in backbone._nodes_by_depth.values() for node in depth]
    for node in nodes:
        made.update({id(tensor): place[id(node.operation)] for tensor in node.outputs})
    used_after = {id(t) for n in nodes if place[id(n.operation)] > end for t in n.input_tensors}
    return sum(made[tensor] <= end for tensor in used_after)


@pytest.mark.slow
@each
def test_backbone_trains_one_step_exports_and_reloads(row, tmp_path):
    config = config_of(row, row.min_image_size)
    model = build_model(config, pretrained=False)
    compile_phase(model, config, replace(config.phases[0], frozen_layers=row.stages[-2].num_layers))
    rng = np.random.default_rng(1)
    images = rng.uniform(0, 255, (2, config.image_size, config.image_size, 3)).astype(np.float32)
    loss = model.fit(images, np.eye(3)[[0, 1]], verbose=0).history["loss"][0]
    assert np.isfinite(loss)

    stated = model.predict(images, verbose=0)
    export.write_keras(model, tmp_path)
    export.write_litert(model, tmp_path)
    reloaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(reloaded.predict(images, verbose=0), stated, atol=1e-6)
    np.testing.assert_allclose(said_by_litert(tmp_path / "model.tflite", images), stated, atol=1e-4)


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
@pytest.mark.parametrize("name", sorted(set(CATALOG) - {"residual10"}))
def test_weights_by_path_with_our_preprocessing_give_what_keras_gives_for_imagenet(name, tmp_path, monkeypatch):
    row = CATALOG[name]
    path = tmp_path / row.weights.file
    publish(build_backbone(row, row.image_size, pretrained=False), path)
    monkeypatch.setattr(backbones, "weights_path", lambda backbone: path)
    asked = {}
    monkeypatch.setattr(
        keras.src.utils.file_utils, "get_file", lambda *args, **more: asked_for(args, more, asked, path)
    )
    images = np.random.default_rng(1).uniform(0, 255, (1, row.image_size, row.image_size, 3)).astype(np.float32)

    inputs = keras.Input(images.shape[1:])
    backbone = build_backbone(row, row.image_size, pretrained=True)
    said = keras.Model(inputs, backbone(network.preprocess(inputs, row.pixels))).predict(images, verbose=0)

    constructor = getattr(keras.applications, row.constructor)
    theirs = constructor(include_top=False, weights="imagenet", input_shape=images.shape[1:], **row.arguments)
    assert row.weights == Weights(asked["fname"], asked["origin"], checksum_of(asked.get("file_hash")))
    preprocess_input = sys.modules[constructor.__module__].preprocess_input
    expected = theirs.predict(preprocess_input(images.copy()), verbose=0)
    # float32 through up to 500 layers, relative to the size of what comes out
    np.testing.assert_allclose(said, expected, atol=1e-3 * np.abs(expected).max())


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
        normalization.set_weights([np.array(network.IMAGENET_MEAN), np.array(network.IMAGENET_DEVIATION), 0])
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, backbone)
