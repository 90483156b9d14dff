"""``spacy absa init-project``: a project folder for a domain of one's own."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from spacy.util import load_model
from wasabi import msg

from ..data.agreement import settle
from ..data.annotation_tools import detect_tool, read_annotations
from ..data.corpora import in_dev
from ..data.files import write_folder
from ..data.labelled import Labelled, read_labelled
from ..data.texts import read_texts, unique
from ..errors import InputError
from ..lexicon import Lexicon
from ..projects import LM_DEV_SHARE, Amounts, Sources, dev_share, write_project
from ._util import ColumnOpt, command, make_tokenizer, progress

N_EXAMPLES = 10


@command("init-project")
def init_project(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make")],
    text: Annotated[Path, typer.Option(help="Raw texts: a file, a folder or a quoted glob")],
    labels: Annotated[
        Path,
        typer.Option(
            help="Labelled texts: .jsonl with spans, an annotation tool's export, or Label.csv"
        ),
    ],
    lang: Annotated[str, typer.Option(help="Language, as spaCy calls it")] = "zh",
    sentences: Annotated[
        Path | None, typer.Option(help="Train.csv that goes with Label.csv")
    ] = None,
    dev: Annotated[
        Path | None, typer.Option(help="Development data, as --labels; else a part of the labelled")
    ] = None,
    lexicon: Annotated[
        Path | None, typer.Option(help="Entity list; else the labelled names")
    ] = None,
    vectors: Annotated[
        str | None, typer.Option(help="Pipeline with vectors of words, for languages with blanks")
    ] = None,
    column: ColumnOpt = None,
) -> None:
    """Make a spaCy project that goes from your own texts and labels to a packaged pipeline.

    The project trains a character language model on the raw texts and on top of it the tagger
    (with --vectors, the tagger alone), calibrates its probabilities, evaluates and packages it, and
    tries it on a few texts. The data stays where it is. Sizes and steps go by the amount of text;
    they stand in the folder's configs.

    \b
    Example:
      python -m spacy absa init-project hotels --lang zh --text reviews.csv --labels labelled.jsonl
      cd hotels && python -m spacy project run all
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists already: name a new folder.")
    sources = Sources(
        lang=lang,
        text=text.absolute(),
        labels=labels.absolute(),
        sentences=sentences and sentences.absolute(),
        dev=dev and dev.absolute(),
        lexicon=lexicon and lexicon.absolute(),
        vectors=vectors and _find_vectors(vectors),
        column=column,
    )
    paths = [str(value) for name, value in vars(sources).items() if name != "column"]
    if odd := [path for path in paths if "$" in path]:
        raise InputError(f"{odd[0]}: project.yml can name no path with a $: give it another name.")
    if lexicon is not None:
        Lexicon.from_file(lexicon)  # only to find mistakes now
    amounts, examples = _measure(sources)
    write_folder(
        folder, partial(write_project, sources=sources, amounts=amounts, examples=examples)
    )
    msg.good(
        f"{folder}: a project for {amounts.text_chars:,} characters of raw text and "
        f"{amounts.texts:,} labelled texts"
    )
    msg.info(f"cd {folder} && python -m spacy project run all")


def _find_vectors(name: str) -> str:
    """The name of a package, or the absolute path of a folder."""
    try:
        nlp = load_model(name)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"--vectors {name}: cannot be loaded as a pipeline.") from error
    if not nlp.vocab.vectors_length or "tok2vec" not in nlp.pipe_names:
        raise InputError(f"--vectors {name}: needs a table of vectors and a component tok2vec.")
    return str(Path(name).absolute()) if Path(name).exists() else name


def _measure(sources: Sources) -> tuple[Amounts, list[str]]:
    """Read all data once, which also checks it; its amounts, and texts to try the result on."""
    tokenizer = make_tokenizer(sources.lang)
    labelled = _read_labelled(sources)
    text_chars = n_dev = 0
    examples: list[str] = []
    for text in progress(unique(read_texts(sources.text, sources.column))):
        text_chars += len(text)
        n_dev += in_dev(text, LM_DEV_SHARE)
        if text.strip() and len(examples) < N_EXAMPLES:
            examples.append(" ".join(text.split()))
    if not n_dev:
        raise InputError(
            f"{sources.text}: too little text for a language model ({text_chars} characters): give "
            "some hundreds of different texts; the labelled ones may be among them."
        )
    chars = sum(len(row.text) for row in labelled)
    tokens = sum(len(tokenizer(row.text)) for row in labelled)
    return Amounts(text_chars, len(labelled), chars, tokens), examples


def _read_labelled(sources: Sources) -> list[Labelled]:
    """All labelled texts but those of `sources.dev`, which are only checked."""
    if sources.sentences is None and sources.labels.suffix.lower() == ".csv":
        raise InputError(f"{sources.labels}: these labels need --sentences Train.csv.")
    labelled = _read(sources.sentences or sources.labels, sources.labels)
    if sources.dev is not None:
        train, dev = labelled, _read(sources.dev, None)
    else:
        share = dev_share(len(labelled))
        train = [row for row in labelled if not in_dev(row.text, share)]
        dev = [row for row in labelled if in_dev(row.text, share)]
        if not dev:
            raise InputError(
                f"{sources.labels}: too few labelled texts ({len(labelled)}) to hold out some of "
                "them: give some hundreds."
            )
    if not any(row.spans for row in train):
        raise InputError(f"{sources.labels}: no labelled entity to train on: give more texts.")
    if not any(row.spans for row in dev):
        raise InputError(
            f"{sources.dev or sources.labels}: no labelled entity to evaluate on: give more texts."
        )
    return labelled


def _read(path: Path, labels: Path | None) -> list[Labelled]:
    """What the project's `spacy absa convert` will make of a file."""
    tool = detect_tool(path)
    if tool is None:
        texts = read_labelled(path, labels, [])
    else:
        texts, _ = settle(read_annotations(path, tool, []))
    return [row for row in texts if row.text.strip()]
