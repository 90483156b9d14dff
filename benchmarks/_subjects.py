"""What is measured, and on what: texts, the pipeline, spaCy's own named entity recogniser."""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import spacy
import torch
from spacy.cli.init_config import init_config
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_model_from_config, minibatch

from spacy_absa.data.texts import read_texts
from spacy_absa.models.torch.recurrent import TwoWayGRU
from spacy_absa.models.torch_layer import TorchShim
from spacy_absa.pipeline.absa_gru import AbsaGRU

from ._measure import Clock, Timing, compare

ASSETS = Path(__file__).parents[1] / "assets"


@dataclass(frozen=True)
class Settings:
    """What the command line says."""

    texts: str = str(ASSETS / "demo/T*.csv")
    pipeline: str = str(ASSETS / "zh_absa_cars")
    ner: str | None = None
    n_texts: int = 2048
    repeats: int = 5
    threads: int = 1
    clock: Clock = "wall"
    large: bool = False
    seed: int = 0


class TorchCall(NamedTuple):
    """A call of a PyTorch module, as it happened."""

    module: torch.nn.Module
    args: tuple[Any, ...]

    def __call__(self) -> object:
        """Call again."""
        return self.module(*self.args)


class Subjects:
    """What the settings name, made when it is asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        torch.set_num_threads(settings.threads)

    def compare(self, tasks: dict[str, Callable[[], object]]) -> dict[str, Timing]:
        """Time the tasks in turns."""
        return compare(tasks, self.settings.repeats, self.settings.clock)

    @cached_property
    def texts(self) -> list[str]:
        """`n_texts` texts, drawn from the file."""
        return sample_texts(self.settings.texts, self.settings.n_texts, self.settings.seed)

    @property
    def n_chars(self) -> int:
        """The characters of the texts."""
        return sum(map(len, self.texts))

    @cached_property
    def nlp(self) -> Language:
        """The pipeline, loaded."""
        return load(self.settings.pipeline)

    @property
    def component(self) -> AbsaGRU:
        """The component of the pipeline."""
        return self.nlp.get_pipe("absa_gru")

    @cached_property
    def batches(self) -> list[list[Doc]]:
        """The tokenised texts, in batches of the pipeline's size."""
        return list(minibatch(map(self.nlp.make_doc, self.texts), self.nlp.batch_size))

    @cached_property
    def torch_calls(self) -> list[TorchCall]:
        """Every call of a PyTorch module that the component makes for the batches."""
        return record(self.component, lambda: [self.component.predict(b) for b in self.batches])

    @torch.inference_mode()
    def forward(self) -> None:
        """The bare forward pass: those calls again, their inputs already tensors."""
        for call in self.torch_calls:
            call()

    def forward_in_floats(self) -> None:
        """The same with GRUs as PyTorch has them, in 32 bits."""
        modules = [module for call in self.torch_calls for module in call.module.modules()]
        quantized = [m for m in modules if isinstance(m, TwoWayGRU) and m.quantize]
        for gru in quantized:
            gru.quantize = False
        self.forward()
        for gru in quantized:
            gru.quantize = True

    @cached_property
    def examples(self) -> list[Example]:
        """The texts with the pipeline's own answers as gold."""
        return [Example(self.nlp.make_doc(doc.text), doc) for doc in self.nlp.pipe(self.texts)]

    @cached_property
    def ner(self) -> Language:
        """spaCy's recogniser: that of the settings, or its default for the CPU, just trained."""
        if self.settings.ner is not None:
            return load(self.settings.ner)
        config = init_config(lang=self.nlp.lang, pipeline=["ner"])
        nlp = load_model_from_config(config, auto_fill=True)
        optimizer = nlp.initialize(lambda: self.examples)
        for batch in minibatch(self.examples[:1024], 64):
            nlp.update(
                [Example(nlp.make_doc(eg.text), eg.reference) for eg in batch], sgd=optimizer
            )
        return nlp


def load(name: str) -> Language:
    """Load a pipeline for texts of any length."""
    nlp = spacy.load(name)
    nlp.max_length = sys.maxsize
    return nlp


def sample_texts(source: str, n_texts: int, seed: int) -> list[str]:
    """Shuffle the texts, blank ones aside, and repeat them until there are enough."""
    texts = [text for text in read_texts(source) if text.strip()]
    random.Random(seed).shuffle(texts)
    return [texts[i % len(texts)] for i in range(n_texts)]


def record(component: Any, run: Callable[[], object]) -> list[TorchCall]:
    """Every call of a component's own PyTorch modules while `run` runs."""
    calls: list[TorchCall] = []

    def note(module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        calls.append(TorchCall(module, args))

    shims = [shim for node in component.model.walk() for shim in node.shims]
    modules = [shim.module for shim in shims if isinstance(shim, TorchShim)]
    hooks = [module.register_forward_pre_hook(note) for module in modules]
    run()
    for hook in hooks:
        hook.remove()
    return calls
