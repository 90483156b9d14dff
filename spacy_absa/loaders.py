"""What `[initialize]` fills a component with: an alphabet, a language model, an entity list."""

from collections.abc import Callable
from pathlib import Path

from spacy.util import load_model
from thinc.api import Model

from .data.alphabet import read_alphabet
from .decoding.lexicon import Lexicon
from .errors import InputError
from .models.charlm import copy_charlm


def create_alphabet_loader(path: Path) -> Callable[[], str]:
    """`spacy_absa.Alphabet.v1`: read the file that `spacy absa alphabet` wrote."""
    return lambda: read_alphabet(path)


def create_lexicon_loader(path: Path) -> Callable[[], Lexicon]:
    """`spacy_absa.Lexicon.v1`: read an entity list, see `Lexicon.from_file`."""
    return lambda: Lexicon.from_file(path)


def create_charlm_loader(path: Path, component: str = "char_lm") -> Callable[[Model], None]:
    """`spacy_absa.CharLMLoader.v1`: fill a tagger's character layer from a trained `char_lm`.

    path: the pipeline of the language model. The sizes of both layers must agree; a layer with
    `use = "vectors"` takes only the embedding.
    Raises InputError where there is no such pipeline or component.
    """

    def load(charlm: Model) -> None:
        try:
            nlp = load_model(path)
        except OSError as error:
            raise InputError(
                f"There is no trained language model at {path}; train one first with "
                "`spacy train configs/char_lm.cfg`."
            ) from error
        if component not in nlp.component_names:
            raise InputError(
                f"The pipeline {path} has no component {component!r}; it has "
                f"{', '.join(nlp.component_names) or 'none'}."
            )
        copy_charlm(nlp.get_pipe(component).model.get_ref("charlm"), charlm)

    return load
