"""The student: characters → language model → encoder → what a teacher knows of each of them."""

from spacy.tokens import Doc
from thinc.api import Model, chain
from thinc.types import Floats2d

from .features import beside
from .tagger import affine
from .types import CharBatch
from .windows import with_windows


def build_hint_regressor(
    charlm: Model[list[str], CharBatch],
    encoder: Model[CharBatch, CharBatch],
    features: Model[list[str], CharBatch] | None = None,
    max_length: int = 512,
) -> Model[list[Doc], list[Floats2d]]:
    """`spacy_absa.HintRegressor.v1`: a guess at the hint of every character of a Doc.

    charlm: texts to character vectors. features: further inputs per character. encoder: character
    vectors in context. max_length: texts with more characters are cut into windows, which are
    encoded on their own. Returns per Doc an array (n_chars, width of the hints).
    """
    output = affine("hint_projection")
    inputs = charlm if features is None else beside(charlm, features)
    model = with_windows(chain(inputs, encoder, output), max_length)
    model.set_ref("charlm", charlm)
    model.set_ref("encoder", encoder)
    model.set_ref("output", output)
    return model
