"""What `[initialize]` fills a component with: an alphabet, a language model, an entity list."""

from collections.abc import Callable, Sequence
from pathlib import Path

from spacy.util import load_model
from thinc.api import Model

from .data.alphabet import read_alphabet
from .data.corpora import given
from .errors import InputError
from .lexicon import Lexicon
from .models.charlm import copy_charlm
from .models.hint_cache import HintCache
from .models.tagger import copy_encoder
from .models.teacher import TransformerTeacher
from .models.types import Teacher


def create_alphabet_loader(path: Path | None) -> Callable[[], str]:
    """`spacy_absa.Alphabet.v1`: read the file that `spacy absa alphabet` wrote."""
    return lambda: read_alphabet(given(path, "alphabet"))


def create_lexicon_loader(path: Path | None) -> Callable[[], Lexicon]:
    """`spacy_absa.Lexicon.v1`: read an entity list, see `Lexicon.from_file`. None: no names."""
    return lambda: Lexicon([]) if path is None else Lexicon.from_file(path)


def create_charlm_loader(path: Path | None, component: str = "char_lm") -> Callable[[Model], None]:
    """`spacy_absa.CharLMLoader.v1`: fill a tagger's character layer from a trained `char_lm`.

    path: the pipeline of the language model, or of `char_hints`, which holds one. The sizes of
    both layers must agree; a layer with `use = "vectors"` takes only the embedding.
    Raises InputError where there is no such pipeline or component.
    """

    return lambda charlm: copy_charlm(_trained(path, component, "charlm"), charlm)


def create_encoder_loader(
    path: Path | None, component: str = "char_hints"
) -> Callable[[Model], None]:
    """`spacy_absa.EncoderLoader.v1`: fill a tagger's encoder from a trained `char_hints`.

    path: the pipeline of `char_hints`. Raises InputError where there is no such pipeline or
    component, and where the sizes of the encoders differ.
    """
    return lambda encoder: copy_encoder(_trained(path, component, "encoder"), encoder)


def create_transformer_hints(
    path: str | None,
    layers: Sequence[int] = (6, 12),
    width: int = 192,
    mixed_precision: bool = False,
    cache_chars: int = 2_000_000,
) -> Callable[[Sequence[str]], Teacher]:
    """`spacy_absa.TransformerHints.v1`: what a pretrained transformer tells of each character.

    Returns the function from a sample of texts to the teacher, see `TransformerTeacher`, behind a
    `HintCache` of `cache_chars` characters.
    """

    def create_teacher(sample: Sequence[str]) -> Teacher:
        teacher = TransformerTeacher(
            path, sample, layers=layers, width=width, mixed_precision=mixed_precision
        )
        return HintCache(teacher, cache_chars)

    return create_teacher


def _trained(path: Path | None, component: str, layer: str) -> Model:
    """A layer of a component of a trained pipeline."""
    path = given(path, component)
    try:
        nlp = load_model(path)
    except OSError as error:
        raise InputError(
            f"There is no trained pipeline at {path}; train one first with `spacy train` and "
            "configs/char_lm.cfg or configs/char_hints.cfg."
        ) from error
    if component not in nlp.component_names:
        raise InputError(
            f"The pipeline {path} has no component {component!r}; it has "
            f"{', '.join(nlp.component_names) or 'none'}."
        )
    return nlp.get_pipe(component).model.get_ref(layer)
