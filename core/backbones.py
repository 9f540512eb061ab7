"""The catalog: a row per pretrained backbone with its stages, weights, licence and published accuracy."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.text import N_

Pixels = Literal["minus_one_to_one", "caffe", "torch", "efficientnet", "raw"]
Speed = Literal["fast", "medium", "slow"]

STARTER_WEIGHTS = Path(__file__).parent / "starter" / "residual10.weights.h5"
TENSORFLOW_STORE = "https://storage.googleapis.com/tensorflow/keras-applications/"
BYTES_PER_PARAMETER = 4


@dataclass(frozen=True)
class Stage:
    """A stretch of layers that end in one tensor, so that the network can be cut there.

    Attributes:
        name: As people call it, in English; `_(stage.name)` is in the reader's language.
        last_layer: Name of its last layer; Keras numbers some names, and these are what a fresh process gives.
        num_layers: How many of the backbone's layers, from its input, lie before the cut after this stage.
    """

    name: str
    last_layer: str
    num_layers: int


@dataclass(frozen=True)
class Weights:
    """A published file of ImageNet weights without the classifier.

    Attributes:
        file: Its name in Keras' cache folder.
        url: Where it is downloaded from.
        checksum: `md5:…` or `sha256:…` as Keras states it; None where Keras states none.
    """

    file: str
    url: str
    checksum: str | None


@dataclass(frozen=True)
class Backbone:
    """A pretrained network without its classifier.

    Attributes:
        name: Key of `CATALOG`, and the name of the model inside the trained one.
        title: As its authors call it.
        constructor: In `keras.applications`, or `residual10`, our own.
        image_size: Height and width in pixels that it was trained or is best used at.
        min_image_size: The smallest that its constructor accepts.
        pixels: How it wants its pixels; see `core.ml.model.preprocess`.
        parameters: Without the classifier.
        num_layers: Keras' `len(model.layers)`, the input counted.
        top1_accuracy: Published on ImageNet's validation images, 0 to 1; None for a network not trained on it.
        speed: How long one picture takes on a laptop's processor: up to about 5 ms, 25 ms, or more.
        stages: From the input to the output; the last one's `num_layers` is the backbone's.
        licence: Of the weights.
        source_title: The paper that describes it.
        source_url: Where that paper is.
        weights: None for the bundled network.
        arguments: Further arguments of the constructor.
        description: One sentence for people who choose.
    """

    name: str
    title: str
    constructor: str
    image_size: int
    min_image_size: int
    pixels: Pixels
    parameters: int
    num_layers: int
    top1_accuracy: float | None
    speed: Speed
    stages: tuple[Stage, ...]
    licence: str
    source_title: str
    source_url: str
    description: str
    weights: Weights | None = None
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Size of its weights, four bytes a parameter."""
        return self.parameters * BYTES_PER_PARAMETER


STAGE_NAMES = (
    N_("Stem"),
    N_("Stage 1"),
    N_("Stage 2"),
    N_("Stage 3"),
    N_("Stage 4"),
    N_("Stage 5"),
    N_("Stage 6"),
    N_("Block 1"),
    N_("Block 2"),
    N_("Block 3"),
    N_("Block 4"),
    N_("Block 5"),
    N_("Entry flow 1"),
    N_("Entry flow 2"),
    N_("Middle flow 1"),
    N_("Middle flow 2"),
    N_("Exit flow"),
)


def _stages(*stages: tuple[str, str, int]) -> tuple[Stage, ...]:
    return tuple(Stage(*stage) for stage in stages)


def _weights(file: str, folder: str, checksum: str | None, *, remote: str | None = None) -> Weights:
    return Weights(file, f"{TENSORFLOW_STORE}{folder}/{remote or file}", checksum)


_NO_TOP = "weights_tf_dim_ordering_tf_kernels_notop.h5"
_MOBILENET_STAGES = _stages(
    (N_("Stage 1"), "conv_pw_1_relu", 10),
    (N_("Stage 2"), "conv_pw_3_relu", 23),
    (N_("Stage 3"), "conv_pw_5_relu", 36),
    (N_("Stage 4"), "conv_pw_11_relu", 73),
    (N_("Stage 5"), "conv_pw_13_relu", 86),
)
APACHE = "Apache-2.0"

_ROWS = (
    Backbone(
        name="residual10",
        title="Residual-10",
        constructor="residual10",
        image_size=112,
        min_image_size=16,
        pixels="minus_one_to_one",
        parameters=1_229_280,
        num_layers=41,
        top1_accuracy=None,
        speed="fast",
        licence=APACHE,
        source_title="Headstart, after He et al. 2015",
        source_url="https://arxiv.org/abs/1512.03385",
        stages=_stages(
            (N_("Stem"), "stem_relu", 4),
            (N_("Stage 1"), "stage1_out", 11),
            (N_("Stage 2"), "stage2_out", 21),
            (N_("Stage 3"), "stage3_out", 31),
            (N_("Stage 4"), "stage4_out", 41),
        ),
        description=N_(
            "Small and quick, and it comes with Headstart, so it works at once. "
            "It learned from 100,000 small pictures of 200 kinds of things (Tiny ImageNet) "
            "and names 53 of 100 new ones rightly."
        ),
    ),
    Backbone(
        name="mobilenet_025",
        title="MobileNet α=0.25",
        constructor="MobileNet",
        arguments={"alpha": 0.25},
        image_size=224,
        min_image_size=32,
        pixels="minus_one_to_one",
        parameters=218_544,
        num_layers=86,
        top1_accuracy=0.506,
        speed="fast",
        licence=APACHE,
        source_title="Howard et al. 2017",
        source_url="https://arxiv.org/abs/1704.04861",
        stages=_MOBILENET_STAGES,
        weights=_weights("mobilenet_2_5_224_tf_no_top.h5", "mobilenet", None),
        description=N_("The smallest of all, made for weak phones: a quarter of MobileNet's width."),
    ),
    Backbone(
        name="vgg16",
        title="VGG16",
        constructor="VGG16",
        image_size=224,
        min_image_size=32,
        pixels="caffe",
        parameters=14_714_688,
        num_layers=19,
        top1_accuracy=0.713,
        speed="slow",
        licence="CC BY 4.0",
        source_title="Simonyan and Zisserman 2014",
        source_url="https://arxiv.org/abs/1409.1556",
        stages=_stages(
            (N_("Block 1"), "block1_pool", 4),
            (N_("Block 2"), "block2_pool", 7),
            (N_("Block 3"), "block3_pool", 11),
            (N_("Block 4"), "block4_pool", 15),
            (N_("Block 5"), "block5_pool", 19),
        ),
        weights=_weights(f"vgg16_{_NO_TOP}", "vgg16", "md5:6d6bbae143d832006294945121d1f1fc"),
        description=N_("The classic of textbooks: simple to understand, large and slow."),
    ),
    Backbone(
        name="vgg19",
        title="VGG19",
        constructor="VGG19",
        image_size=224,
        min_image_size=32,
        pixels="caffe",
        parameters=20_024_384,
        num_layers=22,
        top1_accuracy=0.713,
        speed="slow",
        licence="CC BY 4.0",
        source_title="Simonyan and Zisserman 2014",
        source_url="https://arxiv.org/abs/1409.1556",
        stages=_stages(
            (N_("Block 1"), "block1_pool", 4),
            (N_("Block 2"), "block2_pool", 7),
            (N_("Block 3"), "block3_pool", 12),
            (N_("Block 4"), "block4_pool", 17),
            (N_("Block 5"), "block5_pool", 22),
        ),
        weights=_weights(f"vgg19_{_NO_TOP}", "vgg19", "md5:253f8cb515780f3b799900260a226db6"),
        description=N_("VGG16 with three more layers; rarely better, always slower."),
    ),
    Backbone(
        name="resnet50v2",
        title="ResNet50V2",
        constructor="ResNet50V2",
        image_size=224,
        min_image_size=32,
        pixels="minus_one_to_one",
        parameters=23_564_800,
        num_layers=190,
        top1_accuracy=0.760,
        speed="slow",
        licence="BSD-3-Clause",
        source_title="He et al. 2016",
        source_url="https://arxiv.org/abs/1603.05027",
        stages=_stages(
            (N_("Stem"), "pool1_pool", 5),
            (N_("Stage 1"), "conv2_block3_out", 40),
            (N_("Stage 2"), "conv3_block4_out", 86),
            (N_("Stage 3"), "conv4_block6_out", 154),
            (N_("Stage 4"), "post_relu", 190),
        ),
        weights=_weights(f"resnet50v2_{_NO_TOP}", "resnet", "md5:fac2f116257151a9d068a22e544a4917"),
        description=N_("The well-known residual network: dependable, for computers with some patience."),
    ),
    Backbone(
        name="mobilenet",
        title="MobileNet",
        constructor="MobileNet",
        image_size=224,
        min_image_size=32,
        pixels="minus_one_to_one",
        parameters=3_228_864,
        num_layers=86,
        top1_accuracy=0.704,
        speed="medium",
        licence=APACHE,
        source_title="Howard et al. 2017",
        source_url="https://arxiv.org/abs/1704.04861",
        stages=_MOBILENET_STAGES,
        weights=_weights("mobilenet_1_0_224_tf_no_top.h5", "mobilenet", None),
        description=N_("Made for phones: good answers for little work."),
    ),
    Backbone(
        name="mobilenetv2",
        title="MobileNetV2",
        constructor="MobileNetV2",
        image_size=224,
        min_image_size=32,
        pixels="minus_one_to_one",
        parameters=2_257_984,
        num_layers=154,
        top1_accuracy=0.713,
        speed="medium",
        licence=APACHE,
        source_title="Sandler et al. 2018",
        source_url="https://arxiv.org/abs/1801.04381",
        stages=_stages(
            (N_("Stage 1"), "expanded_conv_project_BN", 9),
            (N_("Stage 2"), "block_2_add", 27),
            (N_("Stage 3"), "block_5_add", 54),
            (N_("Stage 4"), "block_12_add", 116),
            (N_("Stage 5"), "out_relu", 154),
        ),
        weights=_weights("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5", "mobilenet_v2", None),
        description=N_("A good first choice: small, quick, and it knows a lot."),
    ),
    Backbone(
        name="mobilenetv3_small",
        title="MobileNetV3 Small",
        constructor="MobileNetV3Small",
        image_size=224,
        min_image_size=32,
        pixels="raw",
        parameters=939_120,
        num_layers=157,
        top1_accuracy=0.681,
        speed="fast",
        licence=APACHE,
        source_title="Howard et al. 2019",
        source_url="https://arxiv.org/abs/1905.02244",
        stages=_stages(
            (N_("Stage 1"), "expanded_conv_project_bn", 17),
            (N_("Stage 2"), "expanded_conv_2_add", 35),
            (N_("Stage 3"), "expanded_conv_5_add", 80),
            (N_("Stage 4"), "expanded_conv_7_add", 109),
            (N_("Stage 5"), "activation_17", 157),
        ),
        weights=_weights(
            "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
            "mobilenet_v3",
            "md5:d3e8ec802a04aa4fc771ee12a9a9b836",
        ),
        description=N_("The quickest of the modern networks, found by automatic search."),
    ),
    Backbone(
        name="mobilenetv3_large",
        title="MobileNetV3 Large",
        constructor="MobileNetV3Large",
        image_size=224,
        min_image_size=32,
        pixels="raw",
        parameters=2_996_352,
        num_layers=187,
        top1_accuracy=0.756,
        speed="medium",
        licence=APACHE,
        source_title="Howard et al. 2019",
        source_url="https://arxiv.org/abs/1905.02244",
        stages=_stages(
            (N_("Stage 1"), "expanded_conv_add", 11),
            (N_("Stage 2"), "expanded_conv_2_add", 29),
            (N_("Stage 3"), "expanded_conv_5_add", 74),
            (N_("Stage 4"), "expanded_conv_11_add", 139),
            (N_("Stage 5"), "activation_19", 187),
        ),
        weights=_weights(
            "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
            "mobilenet_v3",
            "md5:07fb09a5933dd0c8eaafa16978110389",
        ),
        description=N_("More knowing than the Small one, and still quick."),
    ),
    Backbone(
        name="efficientnetb0",
        title="EfficientNetB0",
        constructor="EfficientNetB0",
        image_size=224,
        min_image_size=32,
        pixels="efficientnet",
        parameters=4_049_571,
        num_layers=237,
        top1_accuracy=0.771,
        speed="medium",
        licence=APACHE,
        source_title="Tan and Le 2019",
        source_url="https://arxiv.org/abs/1905.11946",
        stages=_stages(
            (N_("Stage 1"), "block1a_project_bn", 17),
            (N_("Stage 2"), "block2b_add", 46),
            (N_("Stage 3"), "block3b_add", 75),
            (N_("Stage 4"), "block4c_add", 119),
            (N_("Stage 5"), "block5c_add", 162),
            (N_("Stage 6"), "top_activation", 237),
        ),
        weights=Weights(
            "efficientnetb0_notop.h5",
            "https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5",
            "md5:50bc09e76180e00e4465e1a485ddc09d",
        ),
        description=N_("Much knowledge in few parameters."),
    ),
    Backbone(
        name="efficientnetv2b0",
        title="EfficientNetV2 B0",
        constructor="EfficientNetV2B0",
        image_size=224,
        min_image_size=32,
        pixels="raw",
        parameters=5_919_312,
        num_layers=270,
        top1_accuracy=0.787,
        speed="medium",
        licence=APACHE,
        source_title="Tan and Le 2021",
        source_url="https://arxiv.org/abs/2104.00298",
        stages=_stages(
            (N_("Stage 1"), "block1a_project_activation", 9),
            (N_("Stage 2"), "block2b_add", 21),
            (N_("Stage 3"), "block3b_add", 33),
            (N_("Stage 4"), "block4c_add", 76),
            (N_("Stage 5"), "block5e_add", 149),
            (N_("Stage 6"), "top_activation", 270),
        ),
        weights=_weights("efficientnetv2-b0_notop.h5", "efficientnet_v2", "md5:893217f2bb855e2983157299931e43ff"),
        description=N_("The second generation: quicker to train and a little better."),
    ),
    Backbone(
        name="efficientnetv2s",
        title="EfficientNetV2 S",
        constructor="EfficientNetV2S",
        image_size=224,
        min_image_size=32,
        pixels="raw",
        parameters=20_331_360,
        num_layers=513,
        top1_accuracy=0.839,
        speed="slow",
        licence=APACHE,
        source_title="Tan and Le 2021",
        source_url="https://arxiv.org/abs/2104.00298",
        stages=_stages(
            (N_("Stage 1"), "block1b_add", 14),
            (N_("Stage 2"), "block2d_add", 40),
            (N_("Stage 3"), "block3d_add", 66),
            (N_("Stage 4"), "block4f_add", 154),
            (N_("Stage 5"), "block5i_add", 287),
            (N_("Stage 6"), "top_activation", 513),
        ),
        weights=_weights("efficientnetv2-s_notop.h5", "efficientnet_v2", "md5:af0682fb74e8c54910f2d4393339c070"),
        description=N_(
            "The most knowing of this list, and slow. Its published accuracy is for pictures of 384 pixels; "
            "here it looks at 224, to keep the waiting bearable."
        ),
    ),
    Backbone(
        name="densenet121",
        title="DenseNet121",
        constructor="DenseNet121",
        image_size=224,
        min_image_size=32,
        pixels="torch",
        parameters=7_037_504,
        num_layers=427,
        top1_accuracy=0.750,
        speed="slow",
        licence="BSD-3-Clause",
        source_title="Huang et al. 2017",
        source_url="https://arxiv.org/abs/1608.06993",
        stages=_stages(
            (N_("Stem"), "pool1", 7),
            (N_("Block 1"), "pool2_pool", 53),
            (N_("Block 2"), "pool3_pool", 141),
            (N_("Block 3"), "pool4_pool", 313),
            (N_("Block 4"), "relu", 427),
        ),
        weights=_weights(f"densenet121_{_NO_TOP}", "densenet", "md5:30ee3e1110167f948a6b9946edeeb738"),
        description=N_("Every layer sees what all layers before it found; often used for medical pictures."),
    ),
    Backbone(
        name="inceptionv3",
        title="InceptionV3",
        constructor="InceptionV3",
        image_size=299,
        min_image_size=75,
        pixels="minus_one_to_one",
        parameters=21_802_784,
        num_layers=311,
        top1_accuracy=0.779,
        speed="slow",
        licence=APACHE,
        source_title="Szegedy et al. 2015",
        source_url="https://arxiv.org/abs/1512.00567",
        stages=_stages(
            (N_("Stem"), "max_pooling2d_1", 18),
            (N_("Stage 1"), "mixed2", 87),
            (N_("Stage 2"), "mixed7", 229),
            (N_("Stage 3"), "mixed10", 311),
        ),
        weights=_weights(f"inception_v3_{_NO_TOP}", "inception_v3", "md5:bcbd6486424b2319ff4ef7d526e38f63"),
        description=N_("Looks at each place with several magnifying glasses at once."),
    ),
    Backbone(
        name="xception",
        title="Xception",
        constructor="Xception",
        image_size=299,
        min_image_size=71,
        pixels="minus_one_to_one",
        parameters=20_861_480,
        num_layers=132,
        top1_accuracy=0.790,
        speed="slow",
        licence="MIT",
        source_title="Chollet 2017",
        source_url="https://arxiv.org/abs/1610.02357",
        stages=_stages(
            (N_("Entry flow 1"), "add", 16),
            (N_("Entry flow 2"), "add_2", 36),
            (N_("Middle flow 1"), "add_6", 76),
            (N_("Middle flow 2"), "add_10", 116),
            (N_("Exit flow"), "block14_sepconv2_act", 132),
        ),
        weights=_weights(f"xception_{_NO_TOP}", "xception", "md5:b0042744bf5b25fce3cb969f33bebb97"),
        description=N_("Inception taken to its end, by the author of Keras."),
    ),
    Backbone(
        name="convnexttiny",
        title="ConvNeXtTiny",
        constructor="ConvNeXtTiny",
        image_size=224,
        min_image_size=32,
        pixels="raw",
        parameters=27_820_128,
        num_layers=133,
        top1_accuracy=0.813,
        speed="slow",
        licence="MIT",
        source_title="Liu et al. 2022",
        source_url="https://arxiv.org/abs/2201.03545",
        stages=_stages(
            (N_("Stage 1"), "convnext_tiny_stage_0_block_2_identity", 24),
            (N_("Stage 2"), "convnext_tiny_stage_1_block_2_identity", 46),
            (N_("Stage 3"), "convnext_tiny_stage_2_block_8_identity", 110),
            (N_("Stage 4"), "layer_normalization", 133),
        ),
        weights=_weights(
            "convnext_tiny_notop.h5",
            "convnext",
            "sha256:d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        ),
        description=N_("A network of 2022 that borrows from transformers; strong, large and slow."),
    ),
    Backbone(
        name="nasnetmobile",
        title="NASNetMobile",
        constructor="NASNetMobile",
        image_size=224,
        min_image_size=32,
        pixels="minus_one_to_one",
        parameters=4_269_716,
        num_layers=769,
        top1_accuracy=0.744,
        speed="medium",
        licence=APACHE,
        source_title="Zoph et al. 2018",
        source_url="https://arxiv.org/abs/1707.07012",
        stages=_stages(
            (N_("Stage 1"), "normal_concat_0", 159),
            (N_("Stage 2"), "normal_concat_3", 294),
            (N_("Stage 3"), "normal_concat_8", 531),
            (N_("Stage 4"), "activation_187", 769),
        ),
        weights=_weights(
            "nasnet_mobile_no_top.h5",
            "nasnet",
            "md5:1ed92395b5b598bdda52abe5c0dbfd63",
            remote="NASNet-mobile-no-top.h5",
        ),
        description=N_("Drawn up by a computer's search rather than by people."),
    ),
)

# Accuracies: the table of https://keras.io/api/applications/; MobileNet α=0.25: table 6 of its paper; MobileNetV3: the
# table in Keras' `mobilenet_v3.py`. Licences: Keras' documentation of each; ConvNeXt's and EfficientNet's repositories.
CATALOG: dict[str, Backbone] = {row.name: row for row in _ROWS}


def keras_cache() -> Path:
    """The folder in which Keras keeps downloaded weights."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "models"


def weights_path(backbone: Backbone) -> Path:
    """Where the backbone's weights lie, or will lie once they are downloaded."""
    return keras_cache() / backbone.weights.file if backbone.weights else STARTER_WEIGHTS


def weights_here(backbone: Backbone) -> bool:
    """Whether the backbone can be used without a download."""
    return weights_path(backbone).exists()
