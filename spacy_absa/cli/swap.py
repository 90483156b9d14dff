"""``spacy absa swap``: training data with other names in the same sentences."""

from pathlib import Path
from random import Random
from typing import Annotated

import typer
from wasabi import msg

from ..data.augment import swap_names
from ..data.corpora import read_docs, write_docs
from ..lexicon import Lexicon
from ._util import check_distinct, check_suffix, command, make_tokenizer, to_docs


@command("swap")
def swap(
    corpus: Annotated[Path, typer.Argument(help="Labelled data: a .spacy file or a folder")],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Training data, .spacy")],
    lexicon: Annotated[Path, typer.Option(help="Names to put into the texts")],
    copies: Annotated[int, typer.Option(min=1, help="Copies of each text")] = 4,
    seed: Annotated[int, typer.Option(help="Seed of the choice of names")] = 0,
    lang: Annotated[str, typer.Option(help="Language whose tokenizer to use")] = "zh",
) -> None:
    """Copy labelled texts with names of an entity list in the place of theirs.

    What a text says of a name must then be learned from the text, as the name itself tells
    nothing. For small sets of plain sentences; texts without entities, and those
    whose annotation has gaps, are left out.

    \b
    Example:
      python -m spacy absa swap corpus/plain.spacy corpus/train/swapped.spacy \\
          --lexicon entities.jsonl --copies 8
    """
    check_suffix(output_path, ".spacy")
    check_distinct([output_path], [corpus, lexicon])
    names = [entry.pattern for entry in Lexicon.from_file(lexicon).entries]
    rng = Random(seed)
    tokenizer = make_tokenizer(lang)
    docs = [doc for doc in read_docs(corpus) if doc.ents and all(token.ent_iob for token in doc)]
    swapped = [swap_names(doc, names, rng) for _ in range(copies) for doc in docs]
    write_docs(output_path, to_docs(tokenizer, swapped))
    msg.good(f"{output_path}: {len(swapped)} texts, {copies} copies of {len(docs)}")
