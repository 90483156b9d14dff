"""Training steps against plain PyTorch loops of the same networks."""

import copy
from collections.abc import Callable, Iterator

import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import fix_random_seed
from torch import Tensor, nn
from torch.nn import functional as F

from spacy_absa.models.torch.recurrent import TwoWayGRU
from spacy_absa.models.torch.training import has_bfloat16

from ._report import Row
from ._subjects import Subjects, load, record

STEPS = 8
BATCH = 64  # texts
DROPOUT = 0.4


def run(subjects: Subjects) -> list[Row]:
    """`update` of `absa_gru` and of `char_lm` against forward, backward and Adam alone.

    Where the CPU is made for it also with products in bfloat16 (`mixed_precision`).
    """
    fix_random_seed(subjects.settings.seed)
    batches = list(minibatch(subjects.examples[: STEPS * BATCH], BATCH))
    n_chars = sum(len(example.text) for batch in batches for example in batch)
    tagger = _with_products(load(subjects.settings.pipeline), in_bfloat16=False)
    char_lm = _language_model(subjects)
    tasks = {
        "absa_gru update": _updates(tagger, "absa_gru", batches),
        "tagger, plain PyTorch": _plain(tagger, "absa_gru", batches, _tagger_loss),
        "char_lm update": _updates(char_lm, "char_lm", batches),
        "language model, plain PyTorch": _plain(char_lm, "char_lm", batches, _char_lm_loss),
    }
    against = {
        "absa_gru update": "tagger, plain PyTorch",
        "char_lm update": "language model, plain PyTorch",
    }
    if has_bfloat16():
        others = load(subjects.settings.pipeline), _language_model(subjects)
        for name, nlp in zip(("absa_gru", "char_lm"), others, strict=True):
            key = f"{name} update, mixed precision"
            tasks[key] = _updates(_with_products(nlp, in_bfloat16=True), name, batches)
            against[key] = f"{name} update"
    timings = subjects.compare(tasks)
    rows = []
    for name, timing in timings.items():
        other = against.get(name, "")
        ratio = timings[other].median / timing.median if other else None
        speed = n_chars / timing.median
        rows.append(Row("training", name, speed, "characters/s", timing.spread, ratio, other))
    return rows


def _language_model(subjects: Subjects) -> Language:
    """An untrained language model of the sizes, and with the alphabet, of the pipeline's own."""
    layer = subjects.component.model.get_ref("charlm")
    states = layer.get_ref("vectors").shims[0].module
    nlp = spacy.blank(subjects.nlp.lang)
    sizes = {"vector_width": states.embedding.embedding_dim, "width": states.gru.width}
    nlp.add_pipe("char_lm", config={"model": {"charlm": sizes}})
    alphabet = layer.get_ref("symbols").attrs["alphabet"]
    nlp.get_pipe("char_lm").initialize(lambda: subjects.examples, alphabet=lambda: alphabet)
    return nlp


def _with_products(nlp: Language, in_bfloat16: bool) -> Language:
    """Let all GRUs of a pipeline learn with products in 16 bits, or in 32."""
    shims = [shim for _, pipe in nlp.pipeline for node in pipe.model.walk() for shim in node.shims]
    for module in (module for shim in shims for module in shim.module.modules()):
        if isinstance(module, TwoWayGRU):
            module.mixed_precision = in_bfloat16
    return nlp


def _updates(nlp: Language, name: str, batches: list[list[Example]]) -> Callable[[], None]:
    component = nlp.get_pipe(name)
    optimizer = nlp.resume_training()

    def train() -> None:
        for batch in batches:
            component.update(batch, drop=DROPOUT, sgd=optimizer)

    return train


def _plain(
    nlp: Language,
    name: str,
    batches: list[list[Example]],
    loss: Callable[[list[nn.Module], list[tuple]], Tensor],
) -> Callable[[], None]:
    """A loop over copies of a component's modules and the inputs that they had in `update`."""
    component = nlp.get_pipe(name)
    steps = []
    for batch in batches:
        calls = record(component, lambda batch=batch: component.update(batch, drop=DROPOUT))
        steps.append(calls)
    modules = [copy.deepcopy(call.module).train() for call in steps[0]]
    inputs = [[_detached(call.args) for call in calls] for calls in steps]
    adam = torch.optim.Adam(_parameters(modules))

    def train() -> None:
        for args in inputs:
            adam.zero_grad()
            loss(modules, args).backward()
            adam.step()

    return train


def _detached(args: tuple) -> tuple:
    return tuple(arg.detach() if isinstance(arg, Tensor) else arg for arg in args)


def _parameters(modules: list[nn.Module]) -> Iterator[nn.Parameter]:
    for module in modules:
        yield from module.parameters()


def _tagger_loss(modules: list[nn.Module], inputs: list[tuple]) -> Tensor:
    """Cross-entropy with a constant tag: the loss is not what takes the time."""
    members = range(0, len(modules), 3)  # of an ensemble, or the tagger alone
    return sum(_member_loss(modules[i : i + 3], inputs[i : i + 3]) for i in members)


def _member_loss(modules: list[nn.Module], inputs: list[tuple]) -> Tensor:
    states, encoder, projection = modules
    (symbols, lengths), (encoder_input, inner_lengths, dropout), _ = inputs
    vectors = states(symbols, lengths)[1:-1]
    features = encoder_input[..., vectors.shape[-1] :]
    scores = projection(encoder(torch.cat([vectors, features], -1), inner_lengths, dropout))
    return F.cross_entropy(scores.flatten(0, 1), scores.new_zeros(scores[..., 0].numel()).long())


def _char_lm_loss(modules: list[nn.Module], inputs: list[tuple]) -> Tensor:
    states, head = modules
    (symbols, lengths), (_, numbers, _, dropout) = inputs
    return head(states(symbols, lengths), numbers, lengths, dropout).mean()
