"""``spacy absa lexicon``: an entity list from labelled data, where there is no other."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import DocBin
from spacy.training.corpus import walk_corpus
from wasabi import msg

from ..data.text import atomic_write
from ..decoding.lexicon import Lexicon, LexiconEntry
from ..errors import InputError
from ..folding import fold
from ._util import check_suffix, command


@command("lexicon")
def lexicon(
    corpus: Annotated[Path, typer.Argument(help="Labelled data: a .spacy file or a folder")],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Entity list, .jsonl")],
    min_count: Annotated[int, typer.Option(min=1, help="Leave out rarer names")] = 2,
) -> None:
    """Collect the names that are labelled in training data, as EntityRuler patterns.

    Spellings that differ in case or width alone are one name, written as it mostly is. For
    domains without an entity list: the tagger then gets the names it was taught as inputs.

    \b
    Example:
      python -m spacy absa lexicon corpus/train.spacy names.jsonl --min-count 2
    """
    check_suffix(output_path, ".jsonl")
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for name in _names(corpus):
        spellings[fold(name)][name] += 1
    entries = [
        LexiconEntry(counts.most_common(1)[0][0], "")
        for counts in spellings.values()
        if counts.total() >= min_count
    ]
    if not entries:
        raise InputError(
            f"{corpus}: no name is labelled {min_count} times: give more data or a lower "
            "--min-count."
        )
    with atomic_write(output_path) as file:
        file.write(Lexicon(entries).to_bytes().decode("ascii"))
    msg.good(f"{output_path}: {len(entries)} of {len(spellings)} different names")


def _names(corpus: Path) -> list[str]:
    if not corpus.exists():
        raise InputError(f"{corpus}: no such file: give data made by `spacy absa convert`.")
    vocab = spacy.blank("xx").vocab
    paths = walk_corpus(corpus, ".spacy")
    docs = (doc for path in paths for doc in DocBin().from_disk(path).get_docs(vocab))
    return [name for doc in docs for ent in doc.ents if (name := ent.text.strip())]
