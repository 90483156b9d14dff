"""The boundary between thinc and PyTorch: layers whose modules are built when sizes are known."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy
import srsly
import torch
from thinc.api import Model, Optimizer, get_torch_default_device, torch2xp, xp2torch
from thinc.shims.shim import Shim
from thinc.types import ArrayXd, FloatsXd
from thinc.util import is_xp_array
from torch.overrides import TorchFunctionMode

from ..errors import InputError

# A forked worker (`nlp.pipe(n_process=2)`) lacks the threads of its parent's OpenMP pool, and would
# wait for them for ever; and workers with one thread each do not fight for the cores.
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


class TorchShim(Shim):
    """Holds the PyTorch module of a thinc layer; unlike thinc's own `PyTorchShim`

    - it builds the module from sizes that are known only at initialisation or in a saved file;
    - weights are saved as msgpack arrays, so that loading never unpickles;
    - averaged weights (`use_averages` of thinc's optimizer) reach the module;
    - `learn_rate_scale` multiplies the learning rate of this module; 0 freezes it.
    """

    def __init__(self, build: Callable[..., torch.nn.Module], learn_rate_scale: float = 1.0):
        super().__init__(None)
        self._build = build
        self.learn_rate_scale = learn_rate_scale

    @property
    def is_built(self) -> bool:
        """Whether the sizes are known."""
        return self._model is not None

    @property
    def module(self) -> torch.nn.Module:
        """The PyTorch module. Raises ValueError where there is none yet."""
        if self._model is None:
            raise ValueError(
                "The model has no weights yet: call nlp.initialize() or load a trained pipeline."
            )
        return self._model

    @property
    def device(self) -> torch.device:
        """Where the module is."""
        return next(self.module.parameters()).device

    def build(self, **sizes: Any) -> None:
        """Make the module anew, with fresh weights, of which no optimizer knows anything."""
        self.cfg = sizes
        with torch.inference_mode(False):  # weights made in that mode could never be trained
            self._model = self._build(**sizes).to(get_torch_default_device())
        with Shim.global_id_lock:
            Shim.global_id += 1
            self.id = Shim.global_id

    def forget(self) -> None:
        """Drop the module, so that the layer's initialisation makes it anew."""
        self._model = None

    def __call__(
        self, x: ArrayXd, *args: Any, is_train: bool
    ) -> tuple[FloatsXd, Callable[[FloatsXd], FloatsXd | None]]:
        """Run the module on `x` (floats or integers) and further arguments without gradient.

        All arrays become tensors where the module is.
        Returns its output, and the function from the output's gradient to that of `x` (None for
        integers), which also accumulates the gradients of the weights.
        """
        module = self.module
        if module.training != is_train:
            module.train(is_train)
        device = self.device
        tensor = xp2torch(x, requires_grad=is_train and x.dtype.kind == "f", device=device)
        further = (xp2torch(arg, device=device) if is_xp_array(arg) else arg for arg in args)
        with torch.enable_grad() if is_train else torch.inference_mode():
            output = module(tensor, *further)

        def backprop(d_output: FloatsXd) -> FloatsXd | None:
            output.backward(xp2torch(d_output, device=device))
            return None if tensor.grad is None else torch2xp(tensor.grad)

        return torch2xp(output.detach()), backprop

    def finish_update(self, optimizer: Optimizer) -> None:
        """Let the optimizer change every weight that has a gradient."""
        for name, parameter in self.module.named_parameters():
            if parameter.grad is not None and self.learn_rate_scale:
                weights, _ = optimizer(
                    (self.id, name),
                    torch2xp(parameter.data),
                    torch2xp(parameter.grad),
                    lr_scale=self.learn_rate_scale,
                )
                parameter.data = xp2torch(weights, device=parameter.device)
            parameter.grad = None

    @contextmanager
    def use_params(self, params: dict[Any, FloatsXd]) -> Iterator[None]:
        """Exchange the weights for those that `params` holds as `(shim id, name)`, for a while."""
        replaced = {}
        for name, parameter in self.module.named_parameters() if self.is_built else ():
            if (self.id, name) in params:
                replaced[parameter] = parameter.data
                parameter.data = xp2torch(params[self.id, name], device=parameter.device)
        try:
            yield
        finally:
            for parameter, data in replaced.items():
                parameter.data = data

    def to_device(self, device_type: str, device_id: int) -> None:
        """Move the module, if there is one."""
        if self.is_built:
            self.module.to("cpu" if device_type == "cpu" else f"cuda:{device_id}")

    def state(self) -> dict[str, numpy.ndarray]:
        """All weights by name."""
        return {name: value.cpu().numpy() for name, value in self.module.state_dict().items()}

    def load_state(self, state: dict[str, numpy.ndarray]) -> None:
        """Overwrite all weights.

        Raises InputError where names or shapes differ, and for weights that are no finite numbers.
        """
        _fill(self.module, state)
        for name, value in self.module.state_dict().items():
            if not value.isfinite().all():
                raise InputError(
                    f"The saved weights {name} are not finite: their file is damaged, or the "
                    "training diverged; train again with a lower learning rate."
                )

    def to_bytes(self) -> bytes:
        """Sizes and weights as msgpack, in 16 bits those that lose nothing by it (see `halve`)."""
        state = None
        if self.is_built:
            state = {name: _narrow(value) for name, value in self.state().items()}
        return srsly.msgpack_dumps({"sizes": self.cfg, "state": state})

    def from_bytes(self, bytes_data: bytes) -> "TorchShim":
        """Build the module with the saved sizes and load its weights.

        Raises InputError where the two do not fit, before there is memory for such a module.
        """
        message = srsly.msgpack_loads(bytes_data)
        if message["state"] is not None:
            # Weights of "meta" take no memory: a file may name any sizes.
            with torch.device("meta"), _Unfilled():
                _fill(self._build(**message["sizes"]), message["state"], assign=True)
            self.build(**message["sizes"])
            self.load_state(message["state"])
        return self


class _Unfilled(TorchFunctionMode):
    """Leaves new weights as they are: to fill those of "meta", PyTorch would load its compiler."""

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def _fill(module: torch.nn.Module, state: dict[str, numpy.ndarray], assign: bool = False) -> None:
    # Copied, since arrays out of msgpack are read-only views of its buffer.
    tensors = {name: torch.from_numpy(value.copy()) for name, value in state.items()}
    saved = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    for name in {**wanted, **saved}:
        if saved.get(name) != wanted.get(name):
            raise InputError(
                "The saved weights do not fit the model of this config; use the sizes that they "
                f"were trained with. Of {name} they have {saved.get(name, 'nothing')} in the place "
                f"of {wanted.get(name, 'nothing')}."
            )
    module.load_state_dict(tensors, assign=assign)


def halve(model: Model) -> None:
    """Round the weights of PyTorch layers to what 16 bits hold, so that they take half the room."""
    for node in model.walk():
        for shim in node.shims:
            if isinstance(shim, TorchShim):
                state = shim.state().items()
                shim.load_state({name: _in_16_bits(value) for name, value in state})


def _in_16_bits(weights: numpy.ndarray) -> numpy.ndarray:
    with numpy.errstate(over="ignore"):  # those above 65,504 become infinite
        return weights.astype("float16") if weights.dtype == "float32" else weights


def _narrow(weights: numpy.ndarray) -> numpy.ndarray:
    narrow = _in_16_bits(weights)
    return narrow if numpy.array_equal(narrow, weights) else weights


def torch_layer(
    name: str,
    build: Callable[..., torch.nn.Module],
    forward: Callable[[Model, Any, bool], tuple[Any, Callable]],
    sizes: Callable[[Model, Any], dict[str, int]],
    *,
    learn_rate_scale: float = 1.0,
    attrs: dict[str, Any] | None = None,
    dims: dict[str, int | None] | None = None,
) -> Model:
    """Make a thinc layer around `build(**sizes(model, X))`, X being the first sample input.

    `forward` is the layer's thinc forward function, which calls `model.shims[0]`. For worker
    processes that are spawned, all functions must be ones that pickle finds by their name.
    """
    shim = TorchShim(build, learn_rate_scale)
    init = partial(_init, sizes)
    return Model(name, forward, init=init, shims=[shim], attrs=attrs or {}, dims=dims or {})


def forget_weights(model: Model) -> None:
    """Let `model.initialize` make the modules anew that it would otherwise keep."""
    for shim in (shim for node in model.walk() for shim in node.shims):
        if isinstance(shim, TorchShim):
            shim.forget()


def _init(
    sizes: Callable[[Model, Any], dict[str, int]], model: Model, X: Any = None, Y: Any = None
) -> None:
    if X is not None and not model.shims[0].is_built:
        model.shims[0].build(**sizes(model, X))
