"""``spacy absa alphabet``: the characters that the models shall know."""

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..data.alphabet import build_alphabet, count_characters, coverage, write_alphabet
from ..data.texts import read_texts
from ..errors import InputError
from ._util import ColumnOpt, check_suffix, command, progress


@command("alphabet")
def alphabet(
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Alphabet file, .json")],
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT...", help="Texts: files, folders or quoted globs"),
    ],
    min_count: Annotated[int, typer.Option(min=1, help="Leave out rarer characters")] = 2,
    column: ColumnOpt = None,
) -> None:
    """Collect the characters of texts, case and width folded, most frequent first.

    Reads .txt, .csv, .tsv, .jsonl (each also with .gz), .xls and .xlsx.

    \b
    Example:
      python -m spacy absa alphabet alphabet.json Train.csv Test.csv --min-count 2
    """
    check_suffix(output_path, ".json")
    texts = chain.from_iterable(read_texts(path, column) for path in inputs)
    counts = count_characters(progress(texts))
    characters = build_alphabet(counts, min_count)
    if not characters:
        raise InputError(
            f"{', '.join(map(str, inputs))}: no character comes {min_count} times: "
            "give more text or a lower --min-count."
        )
    share = round(coverage(characters, counts), 6)
    write_alphabet(output_path, characters, min_count=min_count, coverage=share)
    msg.good(
        f"{output_path}: {len(characters)} of {len(counts)} different characters, "
        f"{share:.3%} of {counts.total()} in all"
    )
