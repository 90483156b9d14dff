"""Flip bits of files and cut them off, and see that each is refused by its name.

python -m reliability.damage assets/zh_absa_cars --cases 500
"""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import spacy
import typer

from spacy_absa.data.corpora import read_docs, write_docs
from spacy_absa.errors import InputError
from spacy_absa.pipeline.checksums import CHECKSUMS, check_files


def main(
    pipeline: Path,
    cases: Annotated[int, typer.Option(help="Damaged copies of each file")] = 500,
    seed: int = 0,
) -> None:
    """Print how many damaged copies of each file were refused with an error that names it."""
    rng = random.Random(seed)
    with TemporaryDirectory() as folder:
        component = Path(folder, "absa_gru")
        shutil.copytree(pipeline / "absa_gru", component)
        corpus = Path(folder, "corpus.spacy")
        nlp = spacy.blank("zh")
        write_docs(corpus, [nlp.make_doc("我喜欢本田") for _ in range(100)])
        files = [path for path in sorted(component.iterdir()) if path.name != CHECKSUMS]
        readers = [*((path, partial(check_files, component)) for path in files)]
        for path, read in (*readers, (corpus, partial(read_docs, corpus))):
            print(f"{path.name}: {dict(damage(path, read, cases, rng))}", flush=True)


def damage(path: Path, read: Callable[[], object], cases: int, rng: random.Random) -> Counter[str]:
    """What reading makes of copies with one bit flipped, and of copies that are cut off."""
    whole = path.read_bytes()
    outcomes: Counter[str] = Counter()
    for case in range(cases):
        if case % 2:
            kind, data = "cut off", whole[: rng.randrange(len(whole))]
        else:
            kind, data = "bit flipped", bytearray(whole)
            data[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        try:
            read()
        except InputError as error:
            named = str(path) in str(error)
            outcomes[f"{kind}, refused" + (" by its name" if named else "")] += 1
        else:
            outcomes[f"{kind}, read"] += 1
    path.write_bytes(whole)
    read()
    return outcomes


if __name__ == "__main__":
    typer.run(main)
