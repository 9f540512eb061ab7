import math
from dataclasses import replace

import keras
import numpy as np
import pytest

from core.backbones import CATALOG
from core.config import Head, Phase, RunConfig
from core.ml import model as network
from core.ml.model import BrokenWeightsError, backbone_of, build_backbone, build_model, freeze_layers
from core.ml.train import compile_model, freeze_phase


def images(size, number=2):
    return np.random.default_rng(1).uniform(0, 255, (number, size, size, 3)).astype(np.float32)


def test_model_takes_raw_images_and_answers_with_probabilities(config):
    said = build_model(config).predict(images(config.image_size), verbose=0)
    assert said.shape == (2, 2)
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("pixels", "mode"), [("minus_one_to_one", "tf"), ("caffe", "caffe"), ("torch", "torch"), ("raw", None)]
)
def test_preprocessing_inside_is_the_one_the_weights_were_trained_with(pixels, mode):
    inputs = keras.Input((8, 8, 3))
    ours = keras.Model(inputs, network.preprocess(inputs, pixels)).predict(images(8), verbose=0)
    theirs = images(8)
    if mode:
        theirs = keras.src.applications.imagenet_utils.preprocess_input(theirs.copy(), mode=mode)
    # float32 arithmetic in another order: a few units in the last place of numbers up to 150
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_pretrained_weights_are_the_bundled_ones_and_scratch_ones_are_not(config):
    pretrained = build_backbone(CATALOG["residual10"], 32, pretrained=True).get_weights()
    again = build_backbone(CATALOG["residual10"], 32, pretrained=True).get_weights()
    random = build_backbone(CATALOG["residual10"], 32, pretrained=False).get_weights()
    np.testing.assert_array_equal(pretrained[0], again[0])
    assert not np.allclose(pretrained[0], random[0])


def test_freezing_counts_layers_from_the_input(config):
    backbone = backbone_of(build_model(config), config)
    freeze_layers(backbone, 10)
    learning = [any(weight.trainable for weight in layer.weights) for layer in backbone.layers]
    assert learning == [index >= 10 and bool(layer.weights) for index, layer in enumerate(backbone.layers)]
    freeze_layers(backbone, len(backbone.layers))
    assert backbone.trainable_weights == []


def test_article_numbers_of_vgg16():
    vgg16 = CATALOG["vgg16"]
    config = RunConfig(
        backbone="vgg16",
        image_size=224,
        labels=("cat", "dog"),
        phases=(Phase(1, 1e-3, vgg16.num_layers),),
        head=Head(kind="flatten", dropout=0),
    )
    model = build_model(config, pretrained=False)
    freeze_layers(backbone_of(model, config), vgg16.num_layers)
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert model.count_params() == 14_764_866
    assert trainable == 50_178
    assert model.count_params() - trainable == 14_714_688


@pytest.mark.parametrize("learn", [False, True])
def test_batch_normalisation_keeps_its_statistics_unless_told_otherwise(config, learn):
    config = replace(config, learn_batch_norm=learn, phases=(Phase(1, 0.1, 0),))
    model = build_model(config)
    freeze_phase(model, config, config.phases[0])
    compile_model(model, config, config.phases[0])
    layer = backbone_of(model, config).get_layer("stage4_b_bn")
    before = {name: np.array(getattr(layer, name)) for name in ("moving_mean", "moving_variance", "gamma", "beta")}
    model.fit(images(32, 4), np.eye(2)[[0, 1, 0, 1]], verbose=0)
    changed = {name for name, value in before.items() if not np.allclose(value, np.array(getattr(layer, name)))}
    assert changed == {"gamma", "beta"} | ({"moving_mean", "moving_variance"} if learn else set())


def test_frozen_batch_normalisation_changes_in_nothing(config):
    model = build_model(config)
    freeze_phase(model, config, config.phases[0])
    compile_model(model, config, config.phases[0])
    before = [np.array(weight) for weight in backbone_of(model, config).weights]
    model.fit(images(32, 4), np.eye(2)[[0, 1, 0, 1]], verbose=0)
    for old, new in zip(before, backbone_of(model, config).weights, strict=True):
        np.testing.assert_array_equal(old, np.array(new))


def test_pretrained_backbone_drops_nothing_at_random(config):
    efficientnet = replace(config, backbone="efficientnetb0", image_size=32)
    model = build_model(efficientnet, pretrained=False)
    backbone = backbone_of(model, efficientnet)
    some = images(32, 1)
    freeze_layers(backbone, len(backbone.layers))
    np.testing.assert_allclose(backbone(some, training=True), backbone(some, training=False), atol=1e-6)


def test_broken_weights_file_is_named(tmp_path, monkeypatch):
    broken = tmp_path / "broken.weights.h5"
    broken.write_bytes(b"not weights")
    monkeypatch.setattr(network.backbones, "weights_path", lambda backbone: broken)
    with pytest.raises(BrokenWeightsError, match=r"broken\.weights\.h5"):
        build_backbone(CATALOG["residual10"], 32, pretrained=True)
