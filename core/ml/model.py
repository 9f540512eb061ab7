"""The whole network on one screen: preprocessing, pretrained backbone with its frozen part, new classification head."""

import math

import keras
from keras import layers

from core import backbones
from core.backbones import Backbone
from core.config import Head, RunConfig
from core.errors import AppError
from core.ml.residual10 import residual10
from core.text import N_

# The channel means and deviations that the published weights were trained with; keras.applications.imagenet_utils.
TORCH_MEAN = [123.675, 116.28, 103.53]
TORCH_VARIANCE = [58.395**2, 57.12**2, 57.375**2]
CAFFE_MEAN_BGR = [103.939, 116.779, 123.68]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)

INPUT_NAME = "image"
CLASSIFIER_NAME = "probabilities"


class BrokenWeightsError(AppError):
    """The file of pretrained weights does not fit the backbone."""

    sentence = N_(
        "The file of pretrained weights {file} is broken or belongs to another network. "
        "Delete it, so that it is downloaded again, or put the right one in its place."
    )


def build_model(config: RunConfig, *, pretrained: bool = True) -> keras.Model:
    """Builds the network that a run trains, with nothing frozen yet.

    Args:
        config: Names the backbone, the image size, the head and the classes.
        pretrained: False leaves random weights in the backbone, whatever `config.start` says.

    Returns:
        A model from float32 RGB images (batch, image_size, image_size, 3), values 0 to 255, to probabilities
        (batch, num_classes), values 0 to 1. Preprocessing is inside.

    Raises:
        BrokenWeightsError: The weights file cannot be loaded.
    """
    row = backbones.CATALOG[config.backbone]
    size = config.image_size
    images = keras.Input((size, size, 3), name=INPUT_NAME)
    backbone = build_backbone(row, size, pretrained=pretrained and config.start == "imagenet")
    if config.start != "scratch":
        remove_randomness(backbone)
    features = backbone(preprocess(images, row.pixels))
    return keras.Model(images, add_head(features, config.head, len(config.labels)), name="headstart")


def learns_statistics(config: RunConfig) -> bool:
    """Whether batch normalisation in the trainable part learns new statistics; from scratch it has to."""
    return config.learn_batch_norm or config.start == "scratch"


def remove_randomness(backbone: keras.Model) -> None:
    """Switches off the dropout inside a pretrained backbone, as calling it with `training=False` would.

    Keras 3.15 overrides that argument inside `fit` (`keras/src/models/functional.py`, `operation_fn`), so the recipe
    of its guide on fine-tuning has to be spelled out: no dropout here, no new statistics in `freeze_layers`.
    """
    for layer in backbone.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0


def build_backbone(backbone: Backbone, image_size: int, *, pretrained: bool) -> keras.Model:
    """Builds one row of the catalog without its classifier.

    Returns:
        A model from preprocessed float32 images (batch, image_size, image_size, 3) to feature maps
        (batch, height, width, channels).

    Raises:
        BrokenWeightsError: The weights file cannot be loaded.
    """
    weights = backbones.weights_path(backbone) if pretrained else None
    try:
        if backbone.constructor == "residual10":
            model = residual10(image_size)
            if weights:
                model.load_weights(weights)
            return model
        constructor = getattr(keras.applications, backbone.constructor)
        model = constructor(
            include_top=False,
            weights=str(weights) if weights else None,
            input_shape=(image_size, image_size, 3),
            **backbone.arguments,
        )
        # Not by the constructor: EfficientNetV2 looks up its blocks by the name it is given.
        model.name = backbone.name
        return model
    except (OSError, ValueError, KeyError) as error:
        if weights is None:
            raise
        raise BrokenWeightsError(file=str(weights)) from error


def preprocess(images: keras.KerasTensor, pixels: str) -> keras.KerasTensor:
    """Turns RGB 0 to 255 into what the backbone's weights were trained on.

    Args:
        images: Float32 (batch, height, width, 3), RGB, 0 to 255.
        pixels: `minus_one_to_one`, `caffe` (BGR, channel means taken off), `torch` (standardised by channel),
            `efficientnet` (see `_efficientnet_correction`), or `raw` where the backbone brings its own.
    """
    if pixels == "minus_one_to_one":
        return layers.Rescaling(1 / 127.5, offset=-1, name="rescaling")(images)
    if pixels == "torch":
        return layers.Normalization(mean=TORCH_MEAN, variance=TORCH_VARIANCE, name="normalization")(images)
    if pixels == "caffe":
        flipped = keras.ops.flip(images, axis=-1)
        return layers.Normalization(mean=CAFFE_MEAN_BGR, variance=[1, 1, 1], name="normalization")(flipped)
    if pixels == "efficientnet":
        return _efficientnet_correction(images)
    return images


def _efficientnet_correction(images: keras.KerasTensor) -> keras.KerasTensor:
    """Stands in for a layer that Keras puts into EfficientNetB0 only when it is asked for `weights="imagenet"`.

    The published weights normalise by the root of the deviation d where they should by the deviation, and Keras mends
    it with a division by sqrt(d) after its own `(x / 255 - mean) / sqrt(d)`. We load weights by path, so the same
    number is reached from in front: x' = (x - 255 mean) / sqrt(d) + 255 mean.

    Source: https://github.com/tensorflow/tensorflow/issues/49930
    """
    scale = [deviation**-0.5 for deviation in IMAGENET_DEVIATION]
    offset = [255 * mean * (1 - factor) for mean, factor in zip(IMAGENET_MEAN, scale, strict=True)]
    return layers.Rescaling(scale, offset, name="rescaling")(images)


def add_head(features: keras.KerasTensor, head: Head, num_classes: int) -> keras.KerasTensor:
    """Puts the new classification head on feature maps (batch, height, width, channels).

    Returns:
        Probabilities (batch, num_classes).
    """
    if head.kind == "flatten":
        x = layers.Flatten(name="flatten")(features)
    else:
        x = layers.GlobalAveragePooling2D(name="global_average_pooling")(features)
        if head.normalize:
            # Small sets give few steps: a momentum of 0.9 lets the statistics settle within the first epochs.
            x = layers.BatchNormalization(momentum=0.9, name="head_normalization")(x)
    if head.hidden_units:
        x = layers.Dense(head.hidden_units, activation="relu", name="hidden")(x)
    if head.dropout:
        x = layers.Dropout(head.dropout, name="dropout")(x)
    # In full precision whatever the policy: float16 has too few digits for probabilities near 0 and 1.
    return layers.Dense(num_classes, activation="softmax", name=CLASSIFIER_NAME, dtype="float32")(x)


def backbone_of(model: keras.Model, config: RunConfig) -> keras.Model:
    """Returns the backbone inside a model made by `build_model`."""
    return model.get_layer(config.backbone)


def freeze_layers(backbone: keras.Model, num_layers: int, *, learn_statistics: bool = False) -> None:
    """Freezes the backbone's first layers and makes the others trainable.

    Args:
        backbone: A model of `build_backbone`.
        num_layers: How many of `backbone.layers`, from the input; all of them when larger.
        learn_statistics: Let batch normalisation in the trainable part learn new means and variances. Otherwise only
            its scale and shift are trained; in the frozen part nothing is.

    Source: Yosinski et al. 2014, arXiv:1411.1792; Keras' guide on transfer learning and fine-tuning for the statistics
    """
    for index, layer in enumerate(backbone.layers):
        # First True: setting the value that a layer has already does not reach the variables of `keep_statistics`.
        layer.trainable = True
        layer.trainable = index >= num_layers
        if layer.trainable and isinstance(layer, layers.BatchNormalization) and not learn_statistics:
            keep_statistics(layer)


def learned_weights(model: keras.Model, config: RunConfig) -> list[keras.Variable]:
    """Returns the weights, statistics included, that training may change in one of the run's phases."""
    num_frozen = min(phase.frozen_layers for phase in config.phases)
    frozen = backbone_of(model, config).layers[:num_frozen]
    kept = {id(weight) for layer in frozen for weight in layer.weights}
    return [weight for weight in model.weights if id(weight) not in kept]


def count_trainable(model: keras.Model) -> int:
    """Returns how many parameters training changes."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def keep_statistics(layer: layers.BatchNormalization) -> None:
    """Lets batch normalisation use and keep its stored statistics while its scale and shift are trained.

    A layer that is not trainable normalises with stored statistics, as Keras documents; its variables can be trainable
    all the same.
    """
    learned = layer.trainable_weights
    layer.trainable = False
    for weight in learned:
        weight.trainable = True
