import pytest

from core.backbones import CATALOG
from core.config import Head
from core.summary import summarize

VGG16 = CATALOG["vgg16"]
FLATTEN = Head(kind="flatten", dropout=0)


def test_article_numbers_of_vgg16():
    summary = summarize(VGG16, FLATTEN, 2, VGG16.num_layers)
    assert (summary.total, summary.trainable, summary.non_trainable) == (14_764_866, 50_178, 14_714_688)


def test_unfreezing_the_last_block_frees_its_three_convolutions():
    summary = summarize(VGG16, FLATTEN, 2, VGG16.stages[-2].num_layers)
    assert summary.trainable == 50_178 + 3 * (3 * 3 * 512 * 512 + 512)
    assert summary.total == 14_764_866


def test_nothing_frozen_leaves_only_statistics_untrained():
    backbone = CATALOG["residual10"]
    summary = summarize(backbone, Head(hidden_units=0), 3, 0)
    statistics = summary.layers.loc[summary.layers["type"] == "BatchNormalization", "parameters"].sum() // 2
    assert summary.non_trainable == statistics
    assert not summary.layers["frozen"].any()


def test_head_rows_follow_the_head():
    summary = summarize(VGG16, Head(kind="pool", normalize=True, hidden_units=64, dropout=0.5), 3, 19)
    rows = summary.layers.tail(5)
    assert list(rows["type"]) == ["GlobalAveragePooling2D", "BatchNormalization", "Dense", "Dropout", "Dense"]
    assert list(rows["parameters"]) == [0, 4 * 512, 512 * 64 + 64, 0, 64 * 3 + 3]


def test_flattened_maps_are_not_normalised():
    assert "BatchNormalization" not in set(summarize(VGG16, Head(kind="flatten"), 2, 19).layers["type"])


@pytest.mark.parametrize("backbone", CATALOG.values(), ids=lambda row: row.name)
def test_totals_do_not_depend_on_what_is_frozen(backbone):
    totals = {summarize(backbone, Head(), 5, stage.num_layers).total for stage in backbone.stages}
    trainable = [summarize(backbone, Head(), 5, stage.num_layers).trainable for stage in backbone.stages]
    assert len(totals) == 1
    assert trainable == sorted(trainable, reverse=True)
