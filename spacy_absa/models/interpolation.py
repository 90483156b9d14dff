"""Weights between those of two models."""

import numpy
from thinc.api import Model

from ..errors import InputError
from .torch_layer import TorchShim


def interpolate(model: Model, other: Model, share: float) -> None:
    """Move each weight of `model` towards that of `other`, by this share of the way.

    Good where one was trained on from the other: the error is low on the line between them
    (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). Raises InputError for models
    of another build or size, and for PyTorch layers that are not this package's.
    """
    for node, own, others in _pairs(model, other):
        mixed = {name: (1 - share) * own[name] + share * others[name] for name in own}
        for shim in node.shims:
            shim.load_state(mixed)
        for name in mixed.keys() & set(node.param_names):
            node.set_param(name, mixed[name])


def _pairs(
    model: Model, other: Model
) -> list[tuple[Model, dict[str, numpy.ndarray], dict[str, numpy.ndarray]]]:
    nodes, others = list(model.walk()), list(other.walk())
    if [node.name for node in nodes] != [node.name for node in others]:
        raise InputError("The models have other layers: interpolate those of one training.")
    pairs = []
    for node, twin in zip(nodes, others, strict=True):
        if node.attrs.get("alphabet") != twin.attrs.get("alphabet"):
            raise InputError("The models have other alphabets: interpolate those of one training.")
        own, theirs = _weights(node), _weights(twin)
        if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in theirs.items()}:
            raise InputError(f"The layers {node.name} have other sizes: use those of one training.")
        pairs.append((node, own, theirs))
    return pairs


def _weights(node: Model) -> dict[str, numpy.ndarray]:
    params = {name: node.get_param(name) for name in node.param_names if node.has_param(name)}
    for shim in node.shims:
        if not isinstance(shim, TorchShim):
            raise InputError(
                f"The layer {node.name} is a PyTorch layer of another package, which cannot be "
                "interpolated: use pipelines without it."
            )
        params.update(shim.state())
    return params
