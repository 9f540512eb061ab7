import pytest

from core import backbones
from core.backbones import CATALOG
from core.summary import layer_table

ASKED_FOR = {
    "residual10", "mobilenet_025", "vgg16", "vgg19", "resnet50v2", "mobilenet", "mobilenetv2", "mobilenetv3_small",
    "mobilenetv3_large", "efficientnetb0", "efficientnetv2b0", "efficientnetv2s", "densenet121", "inceptionv3",
    "xception", "convnexttiny", "nasnetmobile",
}  # fmt: skip

each = pytest.mark.parametrize("backbone", CATALOG.values(), ids=lambda row: row.name)


def test_catalog_has_every_backbone():
    assert set(CATALOG) == ASKED_FOR


@each
def test_stages_go_from_the_input_to_the_output_and_end_at_their_named_layers(backbone):
    counts = [stage.num_layers for stage in backbone.stages]
    assert counts == sorted(set(counts))
    assert counts[-1] == backbone.num_layers
    names = layer_table(backbone.name).set_index("place")["layer"]
    assert [names[count - 1] for count in counts] == [stage.last_layer for stage in backbone.stages]


@each
def test_row_agrees_with_its_layer_table(backbone):
    table = layer_table(backbone.name)
    assert table["place"].nunique() == table["place"].max() + 1 == backbone.num_layers
    assert table["parameters"].sum() == backbone.parameters
    assert table["output_shape"][0] == f"{backbone.image_size}, {backbone.image_size}, 3"


def test_starter_is_there_and_the_others_are_looked_for_in_the_keras_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert backbones.weights_here(CATALOG["residual10"])
    vgg16 = CATALOG["vgg16"]
    assert not backbones.weights_here(vgg16)
    path = tmp_path / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert backbones.weights_path(vgg16) == path
    path.parent.mkdir()
    path.touch()
    assert backbones.weights_here(vgg16)


@each
def test_published_weights_have_an_address_that_ends_in_a_file(backbone):
    if backbone.weights is None:
        assert backbone.name == "residual10"
        return
    assert backbone.weights.url.startswith("https://")
    assert backbone.weights.file.endswith(".h5")
    assert backbone.weights.checksum is None or backbone.weights.checksum.split(":")[0] in ("md5", "sha256")


@each
def test_stage_names_are_known_to_the_translators(backbone):
    assert {stage.name for stage in backbone.stages} <= set(backbones.STAGE_NAMES)
