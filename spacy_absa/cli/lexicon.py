"""``spacy absa lexicon``: an entity list from labelled data, where there is no other."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc
from wasabi import msg

from ..data.corpora import read_docs
from ..data.files import atomic_write
from ..errors import InputError
from ..folding import fold
from ..lexicon import Lexicon, LexiconEntry
from ._util import check_suffix, command


@command("lexicon")
def lexicon(
    corpus: Annotated[Path, typer.Argument(help="Labelled data: a .spacy file or a folder")],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Entity list, .jsonl")],
    min_count: Annotated[int, typer.Option(min=1, help="Leave out rarer names")] = 2,
    min_share: Annotated[
        float, typer.Option(min=0, max=1, help="Least share of a name's occurrences with a label")
    ] = 0.5,
    join: Annotated[
        list[Path] | None,
        typer.Option(help="Entity list to join, whose ids are kept; repeatable"),
    ] = None,
) -> None:
    """Collect the names that are labelled in training data, as EntityRuler patterns.

    Spellings that differ in case or width alone are one name, written as it mostly is. For
    domains without an entity list: the tagger then gets the names it was taught as inputs. Words
    that mostly mean something else (发现 is a Land Rover, and to discover) are left out.

    \b
    Example:
      python -m spacy absa lexicon corpus/train.spacy names.jsonl --join cars.jsonl
    """
    check_suffix(output_path, ".jsonl")
    docs = read_docs(corpus)
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for doc in docs:
        for ent in doc.ents:
            if name := ent.text.strip():
                spellings[fold(name)][name] += 1
    frequent = {name: counts for name, counts in spellings.items() if counts.total() >= min_count}
    if not frequent:
        raise InputError(
            f"{corpus}: no name is labelled {min_count} times: give more data or a lower "
            "--min-count."
        )
    names = [counts.most_common(1)[0][0] for counts in frequent.values()]
    entries = [LexiconEntry(name, "", "ENTITY") for name in names]  # a ruler finds none without
    shares = _labelled_shares(docs, Lexicon(entries))
    entries = [entry for entry in entries if shares[fold(entry.pattern)] >= min_share]
    joined = _join([*(Lexicon.from_file(path).entries for path in join or ()), entries])
    with atomic_write(output_path) as file:
        file.write(Lexicon(joined).to_bytes().decode("ascii"))
    in_all = f", with the joined lists {len(joined)}" if join else ""
    msg.good(f"{output_path}: {len(entries)} of {len(spellings)} different names{in_all}")


def _join(lists: list[Iterable[LexiconEntry]]) -> list[LexiconEntry]:
    """Each name as the first list has it."""
    by_alias: dict[str, LexiconEntry] = {}
    for entry in chain(*lists):
        by_alias.setdefault(fold(entry.pattern), entry)
    return list(by_alias.values())


def _labelled_shares(docs: list[Doc], names: Lexicon) -> dict[str, float]:
    """The share of each folded name's longest matches that are labelled; 1 without a match."""
    found: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    for doc in docs:
        gold = {(ent.start_char, ent.end_char) for ent in doc.ents}
        for start, end, _ in names.find_all([doc.text]).longest()[0]:
            name = fold(doc.text[start:end])
            found[name] += 1
            labelled[name] += (start, end) in gold
    return defaultdict(lambda: 1.0, {name: labelled[name] / n for name, n in found.items()})
