"""From a traced network to the bytes of its LiteRT model."""

from typing import Any

import tensorflow as tf


def litert(traced: Any) -> bytes:
    """Converts a concrete function of one image, with its variables made constants.

    TensorFlow's way over a SavedModel would write down and read back what is there already; the bytes are the same.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced])
    converter.experimental_lower_to_saved_model = False
    return converter.convert()
