import numpy
import pytest
import srsly
import torch
from thinc.api import Adam, Model

from spacy_absa.errors import InputError
from spacy_absa.models.torch_layer import TorchShim, halve, torch_layer


def linear(learn_rate_scale=1.0) -> Model:
    def forward(model, X, is_train):
        return model.shims[0](X, is_train=is_train)

    return torch_layer(
        "linear",
        torch.nn.Linear,
        forward,
        sizes=lambda model, X: {"in_features": X.shape[1], "out_features": 2},
        learn_rate_scale=learn_rate_scale,
    )


@pytest.fixture
def X():
    return numpy.arange(6, dtype="float32").reshape(2, 3)


def test_the_boundary_hands_over_values_and_gradients(X):
    model = linear()
    model.initialize(X=X)
    weights = model.shims[0].state()
    Y, backprop = model(X, is_train=True)
    assert pytest.approx(X @ weights["weight"].T + weights["bias"], abs=1e-5) == Y
    dY = numpy.array([[1, 0], [0, 2]], dtype="float32")
    assert pytest.approx(dY @ weights["weight"], abs=1e-5) == backprop(dY)
    module = model.shims[0].module
    assert module.weight.grad.tolist() == (dY.T @ X).tolist()
    assert module.bias.grad.tolist() == [1, 2]


@pytest.mark.parametrize("scale", [1.0, 0.25, 0.0])
def test_the_learning_rate_is_scaled_and_gradients_are_spent(X, scale):
    model = linear(scale)
    model.initialize(X=X)
    before = model.shims[0].state()["bias"].copy()
    _, backprop = model(X, is_train=True)
    backprop(numpy.ones((2, 2), dtype="float32"))
    # Adam's first step is one learning rate, whatever the size of the gradient.
    model.finish_update(Adam(0.1))
    after = model.shims[0].state()["bias"]
    assert before - after == pytest.approx([0.1 * scale] * 2, abs=1e-5)
    assert all(p.grad is None for p in model.shims[0].module.parameters())


def test_averages_reach_the_module_and_go_again(X):
    model = linear()
    model.initialize(X=X)
    optimizer = Adam(0.1, use_averages=True)
    for _ in range(3):
        _, backprop = model(X, is_train=True)
        backprop(numpy.ones((2, 2), dtype="float32"))
        model.finish_update(optimizer)
    last = model.predict(X)
    with model.use_params(optimizer.averages):
        averaged = model.predict(X)
        assert numpy.abs(averaged - last).max() > 0.01
        bias = optimizer.averages[model.shims[0].id, "bias"]
        assert model.shims[0].state()["bias"].tolist() == bias.tolist()
    assert model.predict(X).tolist() == last.tolist()
    with pytest.raises(KeyError), model.use_params(optimizer.averages):
        raise KeyError
    assert model.predict(X).tolist() == last.tolist()


def test_bytes_carry_sizes_and_values(X):
    model, copy = linear(), linear()
    model.initialize(X=X)
    copy.from_bytes(model.to_bytes())
    assert copy.predict(X).tolist() == model.predict(X).tolist()
    assert b"pickle" not in model.to_bytes() and b"torch" not in model.to_bytes()
    # What was read can be trained.
    _, backprop = copy(X, is_train=True)
    backprop(numpy.ones((2, 2), dtype="float32"))
    copy.finish_update(Adam(0.1))


def test_rounded_weights_take_half_the_room_and_others_stay_exact(X):
    model, other = linear(), linear()
    for each in (model, other):
        each.initialize(X=X)
    weights = model.shims[0].state()["weight"].copy()
    exact = model.to_bytes()
    assert numpy.array_equal(other.from_bytes(exact).shims[0].state()["weight"], weights)
    halve(model)
    rounded = model.shims[0].state()["weight"]
    assert rounded.dtype == "float32"
    assert 0 < numpy.abs(rounded - weights).max() < 2**-12  # 11 bits of weights below 1
    assert len(exact) - len(model.to_bytes()) == 2 * (6 + 2)
    assert numpy.array_equal(other.from_bytes(model.to_bytes()).shims[0].state()["weight"], rounded)


def test_a_layer_without_weights_says_so_and_can_be_saved():
    model = linear()
    with pytest.raises(ValueError, match=r"nlp\.initialize"):
        model.predict(numpy.zeros((1, 3), dtype="float32"))
    assert not linear().from_bytes(model.to_bytes()).shims[0].is_built


def test_weights_of_another_size_are_refused():
    shim = TorchShim(torch.nn.Linear)
    shim.build(in_features=3, out_features=2)
    with pytest.raises(InputError, match=r"Of weight they have \(4, 3\) in the place of \(2, 3\)"):
        shim.load_state({"weight": numpy.zeros((4, 3)), "bias": numpy.zeros(4)})


def saved(sizes, weight):
    state = {"weight": weight, "bias": numpy.zeros(2, dtype="float32")}
    return srsly.msgpack_dumps({"sizes": sizes, "state": state})


@pytest.mark.parametrize("size", [2**40, -2])
def test_no_memory_is_taken_for_sizes_that_the_weights_have_not(size):
    shim = TorchShim(torch.nn.Linear)
    message = saved({"in_features": size, "out_features": 2}, numpy.zeros((2, 3), dtype="float32"))
    with pytest.raises((InputError, RuntimeError), match=r"do not fit|negative dimension"):
        shim.from_bytes(message)
    assert not shim.is_built


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf, 1e300])
def test_weights_that_are_not_finite_are_refused(value):
    weight = numpy.zeros((2, 3))
    weight[1, 2] = value
    with pytest.raises(InputError, match="weight are not finite"):
        TorchShim(torch.nn.Linear).from_bytes(saved({"in_features": 3, "out_features": 2}, weight))
