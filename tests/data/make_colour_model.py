"""Writes `colour.tflite` beside this file: python tests/data/make_colour_model.py

The model tells which of red, green and blue is strongest in a picture of 32 by 32 pixels: the mean of each channel from
0 to 1, times 10, through a softmax. Its weights are set and not trained, so a test knows what it has to answer.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

IMAGE_SIZE = 32


def colour_model() -> keras.Model:
    image = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="image")
    means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    classifier = keras.layers.Dense(3, activation="softmax")
    model = keras.Model(image, classifier(means))
    classifier.set_weights([10 * np.eye(3), np.zeros(3)])
    return model


def main() -> None:
    signature = [tf.TensorSpec((1, IMAGE_SIZE, IMAGE_SIZE, 3), tf.float32, name="image")]
    destination = Path(__file__).with_name("colour.tflite")
    colour_model().export(destination, format="litert", input_signature=signature, verbose=False)


if __name__ == "__main__":
    main()
