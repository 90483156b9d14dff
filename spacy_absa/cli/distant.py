"""``spacy absa distant``: training data from rated reviews, without anyone labelling it."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..data.augment import replace
from ..data.corpora import write_docs
from ..data.jsonl import write_annotated
from ..data.texts import read_texts, stable_hash
from ..errors import InputError
from ..lexicon import Lexicon
from ..types import CharSpan, LabelledText
from ._util import (
    ColumnOpt,
    check_distinct,
    check_suffix,
    command,
    make_tokenizer,
    progress,
    to_docs,
)

RATINGS = ["1=POS", "0=NEG"]


@command("distant")
def distant(
    input_path: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Reviews: .csv, .tsv, .xls or .xlsx")
    ],
    output_path: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="Training data, .spacy or .jsonl")
    ],
    lexicon: Annotated[Path, typer.Option(help="Names to put into the reviews")],
    slots: Annotated[Path, typer.Option(help="Words for what is reviewed, one a line, .txt")],
    rating_column: Annotated[str, typer.Option(help="Column of the rating")] = "label",
    rating: Annotated[
        list[str], typer.Option(metavar="RATING=LABEL", help="What a rating means; repeatable")
    ] = RATINGS,
    column: ColumnOpt = None,
    max_length: Annotated[int, typer.Option(min=1, help="Leave out longer reviews")] = 110,
    per_label: Annotated[int, typer.Option(min=0, help="Most reviews per label, 0 for all")] = 0,
    join: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the reviews to join in twos")
    ] = 0.5,
    lang: Annotated[str, typer.Option(help="Language whose tokenizer to use")] = "zh",
) -> None:
    """Make training data from reviews with a rating (distant supervision, Go et al. 2009).

    In each review a name of the lexicon takes the place of the words that say what is reviewed,
    and gets the review's rating as its label. Reviews without such a word, and those of other
    ratings, are left out; all labels get as many reviews. Some are joined in twos, whatever their
    ratings, so that a name's label is learned from what is said of it, not of its neighbour.
    What the data is chosen and filled with is a fixed property of the texts. It is noisy: train
    on it first, then on labelled data.

    \b
    Example:
      python -m spacy absa distant shopping.csv distant.spacy --slots products.txt \\
          --lexicon entities.jsonl --rating-column stars --rating 5=POS --rating 1=NEG
    """
    check_suffix(output_path, ".spacy", ".jsonl")
    check_distinct([output_path], [input_path, slots, lexicon])
    tokenizer = make_tokenizer(lang)
    labels = _parse(rating)
    names = [entry.pattern for entry in Lexicon.from_file(lexicon).entries]
    places = Lexicon.from_file(slots)
    by_label: dict[str, dict[str, LabelledText]] = defaultdict(dict)
    texts = read_texts(input_path, column)
    for text, value in progress(zip(texts, read_texts(input_path, rating_column), strict=True)):
        value = _number(value)
        if value in labels and len(text) <= max_length and places.find(text):
            label = labels[value]
            by_label[label][text] = _fill(text, places, names, label)
    if len(by_label) < len(set(labels.values())):
        raise InputError(
            f"{input_path}: no review with one of the words in {slots} is rated for each of "
            f"{', '.join(sorted(set(labels.values())))}: check --slots, --rating and "
            "--rating-column."
        )
    n = min(map(len, by_label.values()))
    n = min(n, per_label or n)
    kept = [labelled for found in by_label.values() for labelled in _first(found, n)]
    kept = _join(sorted(kept, key=lambda labelled: _order(labelled.text)), join)
    if output_path.suffix == ".jsonl":
        write_annotated(output_path, kept)
    else:
        write_docs(output_path, to_docs(tokenizer, kept))
    msg.good(f"{output_path}: {len(kept)} texts, {n} reviews each of {', '.join(sorted(by_label))}")


def _parse(ratings: list[str]) -> dict[str, str]:
    """The label of each rating."""
    labels: dict[str, str] = {}
    for rating in ratings:
        value, equals, label = rating.partition("=")
        if not (value and equals and label):
            raise InputError(f"--rating {rating}: write a rating and its label, such as 5=POS.")
        if labels.setdefault(_number(value), label) != label:
            raise InputError(f"--rating {rating}: {value} is to mean another label already.")
    return labels


def _number(rating: str) -> str:
    """One spelling of a rating that is a number: 5 and 5.0 are the same."""
    try:
        return f"{float(rating):g}"
    except ValueError:
        return rating.strip()


def _fill(text: str, places: Lexicon, names: list[str], label: str) -> LabelledText:
    """Put one name, chosen by the text, into all places."""
    name = names[stable_hash(text) % len(names)]
    [matches] = places.find_all([text]).longest()
    slots = [CharSpan(match.start, match.end, label) for match in matches]
    return replace(text, slots, lambda slot: name)


def _first(found: dict[str, LabelledText], n: int) -> Iterator[LabelledText]:
    """So many of the texts, in the order of chance."""
    return (found[text] for text in sorted(found, key=_order)[:n])


def _order(text: str) -> int:
    """A place by chance. Not by the hash of the text itself, which tells training and dev apart."""
    return stable_hash(f"order: {text}")


def _join(labelled: list[LabelledText], share: float) -> list[LabelledText]:
    """Make one text each of two neighbours, for this share of the texts; leave the others."""
    n = int(share * len(labelled)) // 2 * 2
    joined = [
        LabelledText(
            left + right, spans + [CharSpan(s + len(left), e + len(left), y) for s, e, y in others]
        )
        for (left, spans), (right, others) in zip(labelled[:n:2], labelled[1:n:2], strict=True)
    ]
    return joined + labelled[n:]
