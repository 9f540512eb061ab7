"""Cuts a network in two: the frozen prefix, whose answers can be kept, and the suffix, which learns."""

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from core.config import RunConfig
from core.ml.model import backbone_of

WHOLE_BACKBONE = "backbone"


@dataclass(frozen=True)
class Frontier:
    """The tensors that lead from the frozen prefix into the suffix, for one image.

    Attributes:
        name: Tells this cut of a backbone from its others, whatever number of layers was asked for.
        shapes: Of each tensor, without the batch.
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]

    @property
    def num_values(self) -> int:
        """How many numbers there are for one image."""
        return sum(math.prod(shape) for shape in self.shapes)


@dataclass(frozen=True)
class Cut:
    """A network in two parts that share its layers.

    Attributes:
        prefix: From float32 RGB images (batch, height, width, 3), 0 to 255, to a list of the frontier's tensors
            (batch, …); None where no layer with weights is frozen.
        suffix: From the frontier's tensors (one as it is, several as a list), or from the images where there is no
            prefix, to probabilities (batch, num_classes).
        frontier: What lies between; None without a prefix.
        last_layer: The last layer of the prefix where that is one of the head, else None.
    """

    prefix: keras.Model | None
    suffix: keras.Model
    frontier: Frontier | None
    last_layer: keras.Layer | None = None


def cut(model: keras.Model, config: RunConfig) -> Cut:
    """Cuts a network after its last layer that is neither trainable nor random, pooling included.

    Among the places after the last frozen layer with weights, the one with the least to keep is taken.

    Args:
        model: From `build_model`, frozen by `freeze_layers`.
        config: What it was built from.
    """
    backbone = backbone_of(model, config)
    fixed = fixed_operations(backbone)
    if not _has_weights(fixed):
        return Cut(None, model, None)
    images = model.input
    before = _entry(model, backbone)
    head = model.layers[model.layers.index(backbone) + 1 :]
    if len(fixed) == len(backbone.operations):
        return _cut_in_head(images, backbone(before), head)
    frontier, tensors = _smallest_frontier(backbone, fixed)
    prefix = keras.Model(images, keras.Model(backbone.input, tensors)(before))
    entries = [keras.Input(tensor.shape[1:]) for tensor in tensors]
    entry = entries if len(entries) > 1 else entries[0]
    suffix = keras.Model(entry, _through(head, keras.Model(tensors, backbone.output)(entries)))
    return Cut(prefix, suffix, frontier)


def frontier_of(backbone: keras.Model) -> Frontier | None:
    """Returns where a backbone without a head is cut; None where no layer with weights is frozen."""
    fixed = fixed_operations(backbone)
    return _smallest_frontier(backbone, fixed)[0] if _has_weights(fixed) else None


def fixed_operations(backbone: keras.Model) -> list[keras.Operation]:
    """Returns, from the input on, what says the same of the same image in every epoch."""
    nodes = _nodes(backbone)
    said: set[int] = set()
    fixed = []
    for operation in backbone.operations:
        parents = nodes[id(operation)].parent_nodes
        if _is_fixed(operation) and all(id(node.operation) in said for node in parents):
            said.add(id(operation))
            fixed.append(operation)
    return fixed


def _is_fixed(operation: keras.Operation) -> bool:
    if not isinstance(operation, keras.Layer):
        return True
    if isinstance(operation, layers.Dropout) and operation.rate > 0:
        return False
    # Asked of the variables, since `keep_statistics` lets some learn in a layer that says it does not; and batch
    # normalisation that is trainable gathers statistics even where it has nothing to learn.
    gathers = isinstance(operation, layers.BatchNormalization) and operation.trainable
    return not gathers and not any(weight.trainable for weight in operation.weights)


def _has_weights(operations: list[keras.Operation]) -> bool:
    """Whether something among them was learned; the numbers of a normalisation of the pixels were not."""
    learned = [one for one in operations if isinstance(one, keras.Layer) and not isinstance(one, layers.Normalization)]
    return any(layer.weights for layer in learned)


def _nodes(backbone: keras.Model) -> dict[int, Any]:
    """Returns the node of each operation in this network's own graph, by the operation's id; each is used once."""
    return {id(node.operation): node for nodes in backbone._nodes_by_depth.values() for node in nodes}


def _smallest_frontier(backbone: keras.Model, fixed: list[keras.Operation]) -> tuple[Frontier, list[keras.KerasTensor]]:
    """Returns the cut with the fewest values, and its tensors; of equal ones that which leaves the least to do.

    Every beginning of `fixed` is a possible prefix, since operations come after those that they need.
    """
    last_weighted = max(index for index, operation in enumerate(fixed) if _has_weights([operation]))
    frontiers = [_crossing(backbone, fixed[: end + 1]) for end in range(last_weighted, len(fixed))]
    places = {id(operation): place for place, operation in enumerate(backbone.operations)}
    best: tuple[Frontier, list[keras.KerasTensor]] | None = None
    for made in frontiers:
        by_place = {places[key]: tensor for key, tensor in made.items()}
        tensors = [by_place[place] for place in sorted(by_place)]
        name = "-".join(str(place) for place in sorted(by_place))
        frontier = Frontier(name, tuple(tuple(tensor.shape[1:]) for tensor in tensors))
        if best is None or frontier.num_values <= best[0].num_values:
            best = frontier, tensors
    assert best is not None
    return best


def _crossing(backbone: keras.Model, prefix: list[keras.Operation]) -> dict[int, keras.KerasTensor]:
    """Returns the tensors that the prefix makes and the rest needs, by the id of the operation that makes them."""
    inside = {id(operation) for operation in prefix}
    nodes = _nodes(backbone)
    needed = [tensor for key, node in nodes.items() if key not in inside for tensor in node.input_tensors]
    used = {id(tensor) for tensor in [*needed, *backbone.outputs]}
    return {key: nodes[key].outputs[0] for key in inside if id(nodes[key].outputs[0]) in used}


def _entry(model: keras.Model, backbone: keras.Model) -> keras.KerasTensor:
    """Returns the preprocessed images that enter the backbone."""
    return _nodes(model)[id(backbone)].input_tensors[0]


def _cut_in_head(images: keras.KerasTensor, features: keras.KerasTensor, head: list[keras.Layer]) -> Cut:
    """Cuts after a backbone that is frozen to its end, and after what of the head neither learns nor is random."""
    num_fixed = next(index for index, layer in enumerate(head) if not _is_fixed(layer))
    name = WHOLE_BACKBONE + "".join(f"-{type(layer).__name__}" for layer in head[:num_fixed])
    kept = _through(head[:num_fixed], features)
    entry = keras.Input(kept.shape[1:])
    frontier = Frontier(name, (tuple(kept.shape[1:]),))
    suffix = keras.Model(entry, _through(head[num_fixed:], entry))
    return Cut(keras.Model(images, [kept]), suffix, frontier, head[num_fixed - 1] if num_fixed else None)


def passing_by(now: Cut, later: Cut) -> keras.Model | None:
    """Returns a prefix that also says what a later phase will ask, so that both are computed in one go.

    Args:
        now: A cut in the head: the whole backbone is frozen.
        later: Of the same network with less of it frozen.

    Returns:
        From the images to the frontier's tensors of `now`, followed by those of `later`; None where the cuts do not
        allow it.
    """
    if now.last_layer is None or later.prefix is None or later.last_layer is not None:
        return None
    end = _nodes(later.suffix)[id(now.last_layer)].outputs[0]
    images = later.prefix.input
    on_the_way = later.prefix(images)
    rest = keras.Model(later.suffix.input, end)
    return keras.Model(images, [rest(on_the_way if len(on_the_way) > 1 else on_the_way[0]), *on_the_way])


def _through(chain: list[keras.Layer], x: keras.KerasTensor | list[keras.KerasTensor]) -> keras.KerasTensor:
    for layer in chain:
        x = layer(x)
    return x
