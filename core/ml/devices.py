"""What the network runs on: one processor, one GPU or several, and in which precision."""

import os

import keras
import tensorflow as tf

TENSOR_CORES = (7, 0)  # compute capability from which float16 is computed by units of its own
FULL_PRECISION = "float32"
DETERMINISTIC = "HEADSTART_DETERMINISTIC"


def is_deterministic() -> bool:
    """Whether the same run is to end with the same bits every time, which takes longer."""
    return os.environ.get(DETERMINISTIC, "off") == "on"


def be_deterministic() -> None:
    """Lets TensorFlow add up in the same order every time, where that is asked for; for the whole process."""
    if is_deterministic():
        tf.config.experimental.enable_op_determinism()


def gpus() -> list[tf.config.PhysicalDevice]:
    """Returns the GPUs that TensorFlow sees."""
    return list(tf.config.list_physical_devices("GPU"))


def has_gpu() -> bool:
    """Whether TensorFlow sees a GPU."""
    return bool(gpus())


def strategy() -> tf.distribute.Strategy:
    """Returns how a batch is shared: between all GPUs where there are several, else not at all."""
    return tf.distribute.MirroredStrategy() if len(gpus()) > 1 else tf.distribute.get_strategy()


def precision() -> str:
    """Returns Keras' policy for training here: mixed where every GPU has units for float16, else full precision.

    Source: Micikevicius et al. 2017, arXiv:1710.03740; Keras' guide on mixed precision for the compute capability
    """
    found = [tf.config.experimental.get_device_details(gpu).get("compute_capability") for gpu in gpus()]
    mixed = found and all(capability is not None and capability >= TENSOR_CORES for capability in found)
    return "mixed_float16" if mixed else FULL_PRECISION


def use_precision(policy: str) -> None:
    """Sets the policy for the layers that are built from now on."""
    keras.mixed_precision.set_dtype_policy(policy)
