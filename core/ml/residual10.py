"""Residual-10: the small residual network behind the bundled starter weights."""

import keras
from keras import layers


def residual10(image_size: int | None = None, width: int = 32) -> keras.Model:
    """Builds a stem and four residual stages, nine convolutions on the main path.

    Args:
        image_size: Height and width of the input in pixels; None for any.
        width: Channels of the stem; the last stage has eight times as many.

    Returns:
        A model from float32 images (batch, height, width, 3), RGB scaled to -1..1, to feature maps
        (batch, ceil(height / 16), ceil(width / 16), 8 * width).

    Source: He et al. 2015, arXiv:1512.03385; the shortcut is average-pooled as in He et al. 2018, arXiv:1812.01187
    """
    inputs = keras.Input((image_size, image_size, 3), name="image")
    x = _convolution(inputs, width, 3, 2, "stem")
    x = layers.ReLU(name="stem_relu")(x)
    for stage, filters in enumerate([width, 2 * width, 4 * width, 8 * width], start=1):
        x = _residual_stage(x, filters, 1 if stage == 1 else 2, f"stage{stage}")
    return keras.Model(inputs, x, name="residual10")


def _convolution(x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)


def _residual_stage(x: keras.KerasTensor, filters: int, stride: int, name: str) -> keras.KerasTensor:
    shortcut = x
    if stride == 2:
        shortcut = layers.AveragePooling2D(2, padding="same", name=f"{name}_pool")(shortcut)
    if shortcut.shape[-1] != filters:
        shortcut = _convolution(shortcut, filters, 1, 1, f"{name}_shortcut")
    y = layers.ReLU(name=f"{name}_a_relu")(_convolution(x, filters, 3, stride, f"{name}_a"))
    y = _convolution(y, filters, 3, 1, f"{name}_b")
    y = layers.Add(name=f"{name}_add")([y, shortcut])
    return layers.ReLU(name=f"{name}_out")(y)
