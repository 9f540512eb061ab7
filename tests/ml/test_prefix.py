from dataclasses import replace

import keras
import numpy as np
import pytest

from core import summary
from core.backbones import CATALOG
from core.config import Head, Phase, RunConfig
from core.ml.model import backbone_of, build_model, freeze_layers
from core.ml.prefix import cut


def config_of(row, **changes) -> RunConfig:
    phases = (Phase(1, 1e-3, row.num_layers),)
    config = RunConfig(row.name, row.min_image_size, ("a", "b", "c"), phases)
    return replace(config, **changes)


def images(size, count=2):
    return np.random.default_rng(1).uniform(0, 255, (count, size, size, 3)).astype(np.float32)


def assert_parts_make_the_whole(parts, pixels, whole):
    said = parts.prefix(pixels, training=False)
    said = said if len(said) > 1 else said[0]
    # The same operations in the same order; the tolerance is for a graph that adds in another order.
    np.testing.assert_allclose(np.asarray(parts.suffix(said, training=False)), np.asarray(whole), atol=1e-6)


@pytest.mark.parametrize(
    ("head", "name", "shape"),
    [
        (Head(), "backbone-GlobalAveragePooling2D", (256,)),
        (Head(normalize=False, dropout=0.5), "backbone-GlobalAveragePooling2D", (256,)),
        (Head(kind="flatten", dropout=0.5, hidden_units=4), "backbone-Flatten", (1024,)),
    ],
    ids=["pool", "pool and dropout", "flatten"],
)
def test_pooling_and_flattening_belong_to_the_prefix(head, name, shape):
    config = config_of(CATALOG["residual10"], head=head, image_size=32)
    model = build_model(config)
    freeze_layers(backbone_of(model, config), config.phases[0].frozen_layers)
    parts = cut(model, config)
    assert (parts.frontier.name, parts.frontier.shapes) == (name, (shape,))
    page = summary.frontier(CATALOG["residual10"], 41, head, 32)  # the page looks for the same name
    assert (page.name, page.num_values) == (name, shape[0])
    assert_parts_make_the_whole(parts, images(32), model(images(32), training=False))


def test_several_tensors_can_cross_the_cut_at_a_single_layer():
    config = config_of(CATALOG["residual10"], image_size=32)
    model = build_model(config)
    freeze_layers(backbone_of(model, config), 35)
    parts = cut(model, config)
    assert parts.frontier.shapes == ((2, 2, 256), (2, 2, 128))
    assert parts.frontier.num_values == 2 * 2 * (256 + 128)
    assert_parts_make_the_whole(parts, images(32), model(images(32), training=False))


def test_layers_without_weights_after_the_cut_are_not_left_to_the_suffix():
    config = config_of(CATALOG["residual10"], image_size=32)
    model = build_model(config)
    backbone = backbone_of(model, config)
    names = [layer.name for layer in backbone.layers]
    freeze_layers(backbone, names.index("stage4_shortcut_bn") + 1)  # the addition and its ReLU are not asked for
    assert cut(model, config).frontier.shapes == ((256,),)


@pytest.mark.parametrize(("name", "num_layers"), [("residual10", 0), ("residual10", 1), ("efficientnetb0", 0)], ids=str)
def test_without_frozen_weights_there_is_no_prefix(name, num_layers):
    config = config_of(CATALOG[name], image_size=32)
    model = build_model(config, pretrained=False)
    freeze_layers(backbone_of(model, config), num_layers)
    parts = cut(model, config)
    assert parts.prefix is None and parts.frontier is None and parts.suffix is model


def test_batch_normalisation_that_only_keeps_its_statistics_stays_in_the_suffix():
    config = config_of(CATALOG["residual10"], image_size=32)
    model = build_model(config)
    backbone = backbone_of(model, config)
    names = [layer.name for layer in backbone.layers]
    freeze_layers(backbone, names.index("stage4_a_conv") + 1)
    parts = cut(model, config)
    learned = {weight.path for weight in parts.suffix.trainable_weights}
    assert {"stage4_a_bn/gamma", "stage4_a_bn/beta"} <= learned
    assert "stage4_a_conv/kernel" not in learned


def test_dropout_in_the_frozen_part_ends_the_prefix():
    config = config_of(CATALOG["efficientnetb0"])
    model = build_model(config, pretrained=False)
    backbone = backbone_of(model, config)
    freeze_layers(backbone, len(backbone.layers))
    drop = next(layer for layer in backbone.layers if isinstance(layer, keras.layers.Dropout))
    whole = cut(model, config).frontier.name
    drop.rate = 0.2
    assert whole.startswith("backbone") and not cut(model, config).frontier.name.startswith("backbone")
