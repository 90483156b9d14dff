import pytest
import torch
from thinc.api import Linear, PyTorchWrapper, chain

from spacy_absa.errors import InputError
from spacy_absa.models.interpolation import interpolate


def linear(weight):
    model = Linear(1, 1).initialize()
    model.set_param("W", model.ops.asarray2f([[weight]]))
    return model


def test_layers_of_thinc():
    model = chain(linear(1), linear(10))
    interpolate(model, chain(linear(3), linear(20)), 0.25)
    assert [float(layer.get_param("W")[0, 0]) for layer in model.layers] == [1.5, 12.5]


def test_other_layers_are_refused():
    with pytest.raises(InputError, match="have other layers"):
        interpolate(chain(linear(1), linear(2)), linear(1), 0.5)
    with pytest.raises(InputError, match="have other sizes"):
        interpolate(linear(1), Linear(2, 1).initialize(), 0.5)
    foreign = PyTorchWrapper(torch.nn.Linear(1, 1))
    with pytest.raises(InputError, match="of another package"):
        interpolate(foreign, foreign, 0.5)
