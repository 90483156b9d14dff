"""``spacy absa graft``: new raw texts for a teacher, out of the domain's and of reviews."""

from itertools import islice
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from wasabi import msg

from ..data.grafting import grafts
from ..data.text import atomic_write
from ..data.texts import read_texts, unique
from ..decoding.lexicon import Lexicon
from ..errors import InputError
from ._util import ColumnOpt, TextsArg, check_suffix, command

# Texts that are made for one that is wanted, at most: some come twice, some are too long.
_TRIES = 10


@command("graft")
def graft(
    input_path: TextsArg,
    reviews: Annotated[Path, typer.Argument(help="Reviews of other things: a file, folder, glob")],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Raw texts, .txt")],
    lexicon: Annotated[Path, typer.Option(help="Names of the domain")],
    slots: Annotated[Path, typer.Option(help="Words for what is reviewed, one a line, .txt")],
    n: Annotated[int, typer.Option("--n", min=1, help="Texts to make")] = 20_000,
    min_length: Annotated[int, typer.Option(min=1, help="Leave out shorter texts")] = 8,
    max_length: Annotated[int, typer.Option(min=1, help="Leave out longer texts")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of all choices")] = 0,
    comma: Annotated[str, typer.Option(help="Put between two parts without a mark")] = "，",
    column: ColumnOpt = None,
    review_column: Annotated[str | None, typer.Option(help="The same, of the reviews")] = None,
) -> None:
    """Let the domain's texts say what reviews of other things say, as raw text for `distill`.

    Half of the new texts are clauses of a review with a name in the place of what is reviewed,
    half are clauses about a name with clauses of a review beside them. A teacher that has read
    more than the domain (`distill`) says what they think of the names, and a small tagger that
    learns from it meets praise and blame that the domain's own texts lack. They need no ratings
    and no sense: the teacher has the last word.

    \b
    Example:
      python -m spacy absa graft Test.csv shopping.csv grafted.txt --lexicon entities.jsonl \\
          --slots products.txt
    """
    check_suffix(output_path, ".txt")
    made = grafts(
        list(read_texts(input_path, column)),
        list(read_texts(reviews, review_column)),
        Lexicon.from_file(lexicon),
        Lexicon.from_file(slots),
        Random(seed),
        comma,
    )
    fitting = (text for text in islice(made, _TRIES * n) if min_length <= len(text) <= max_length)
    texts = list(islice(unique(fitting), n))
    if not texts:
        raise InputError(
            f"{input_path}, {reviews}: nothing to put together: the texts must have names of "
            f"{lexicon}, and the reviews words of {slots} and clauses without them."
        )
    with atomic_write(output_path) as file:
        file.writelines(f"{text}\n" for text in texts)
    msg.good(f"{output_path}: {len(texts)} texts")
