"""For `spacy train --code`: note the digest of the weights of every checkpoint that is saved."""

import hashlib
import os
from collections.abc import Callable

import spacy
from spacy.language import Language

# The file that the digests are appended to.
LOG = "ABSA_CHECKPOINTS"


def digest(nlp: Language) -> str:
    """Of the weights of the tagger."""
    return hashlib.sha256(nlp.get_pipe("absa_gru").model.to_bytes()).hexdigest()


@spacy.registry.callbacks("reliability.note_checkpoint.v1")
def note_checkpoint() -> Callable[[Language], Language]:
    """A `before_to_disk` callback."""

    def note(nlp: Language) -> Language:
        with open(os.environ[LOG], "a", encoding="ascii") as file:
            file.write(digest(nlp) + "\n")
        return nlp

    return note
