"""What the commands share: registration with error messages, progress, loading a pipeline."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import spacy
import typer
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from ..data.corpora import to_doc
from ..errors import InputError
from ..lexicon import Lexicon
from ..pipeline.absa_gru import AbsaGRU
from ..pipeline.char_pipe import SentimentPipe, pipes_with_lexicon
from ..types import LabelledText, Mentions

Item = TypeVar("Item")
# Control characters could move a terminal's cursor, or make it do worse.
_CONTROLS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)], "\ufffd")

absa_cli = typer.Typer(
    name="absa",
    help="Entity-level sentiment: prepare data, predict, score.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

# Options of the commands that run a pipeline
PipelineArg = Annotated[str, typer.Argument(help="Pipeline: a folder or an installed package")]
TextsArg = Annotated[
    Path, typer.Argument(metavar="INPUT", help="Texts: a file, a folder or a quoted glob")
]
ColumnOpt = Annotated[
    str | None,
    typer.Option("--column", help="Column of the text, guessed if not given; in JSONL its key"),
]
LexiconOpt = Annotated[
    Path | None,
    typer.Option("--lexicon", help="Entity list to use instead of the pipeline's own"),
]
BatchSizeOpt = Annotated[int, typer.Option("--batch-size", min=1, help="Texts per batch")]
NProcessOpt = Annotated[int, typer.Option("--n-process", min=1, help="Processes to use")]
ExplainOpt = Annotated[
    bool, typer.Option("--explain", help="Say which characters moved the sentiment; slow")
]
GpuIdOpt = Annotated[int, typer.Option("--gpu-id", help="GPU to use, -1 for the CPU")]


def command(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a function to ``spacy absa``; bad input ends it with one line and exit code 1."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @absa_cli.command(name)
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> None:
            for stream in (sys.stdout, sys.stderr):  # which may know GBK alone, and no emoji
                stream.reconfigure(errors="replace")
            try:
                function(*args, **kwargs)
            except InputError as error:
                typer.secho(f"✘ {printable(str(error))}", fg="red", err=True)
                raise typer.Exit(1) from error

        return function

    return register


def printable(text: str) -> str:
    """A text from a file, to be shown on a terminal: without control characters."""
    return text.translate(_CONTROLS)


def progress(items: Iterable[Item], unit: str = "texts") -> Iterator[Item]:
    """Show a progress bar on a terminal's standard error."""
    return iter(tqdm(items, unit=f" {unit}", disable=None))


def check_suffix(path: Path, *suffixes: str) -> None:
    """Raise InputError if an output file is not called as its format demands."""
    if path.suffix not in suffixes:
        raise InputError(f"{path}: the output file's name must end in {' or '.join(suffixes)}.")


def check_distinct(outputs: Sequence[Path | None], inputs: Sequence[Path | None]) -> None:
    """Raise InputError if what is read would be written over, or two files be written as one."""
    read = {path.resolve() for path in inputs if path is not None}
    written = set[Path]()
    for path in filter(None, outputs):
        place = path.resolve()
        if place in read:
            raise InputError(f"{path}: is the input as well: name another output file.")
        if not read.isdisjoint(place.parents):
            raise InputError(f"{path}: lies in the folder that is read: name another place.")
        if place in written:
            raise InputError(f"{path}: is another output as well: name another file.")
        written.add(place)


def make_tokenizer(lang: str) -> Callable[[str], Doc]:
    """The tokenizer of a language. Raises InputError if spaCy has none, or lacks what it needs."""
    try:
        return spacy.blank(lang).tokenizer
    except ImportError as error:
        raise InputError(f"--lang {lang}: spaCy cannot make its tokenizer: {error}") from error


def to_docs(tokenizer: Callable[[str], Doc], texts: Iterable[LabelledText]) -> list[Doc]:
    """Gold Docs of texts, with a warning for spans that do not begin and end where tokens do.

    Raises InputError if there is no other one.
    """
    docs, n_misaligned = [], 0
    for text, spans in texts:
        doc, misaligned = to_doc(tokenizer, text, spans)
        docs.append(doc)
        n_misaligned += len(misaligned)
    if n_misaligned:
        if not any(doc.ents for doc in docs):
            raise InputError(
                "No span begins and ends where tokens do: take another tokenizer or language."
            )
        msg.warn(f"{n_misaligned} spans left open: they do not begin and end where tokens do")
    return docs


def load_pipeline(
    name: str, lexicon: Path | None, gpu_id: int, *, explain: bool = False
) -> Language:
    """Load a pipeline with the component ``absa_gru`` and give it another lexicon.

    explain: let ``absa_explain`` follow, if it does not already.

    Raises InputError if it cannot be loaded or has no such component.
    """
    try:
        setup_gpu(gpu_id, silent=True)
    except ValueError as error:
        raise InputError(f"--gpu-id {gpu_id}: {error}: use -1 for the CPU.") from error
    try:
        nlp = spacy.load(name)
    except InputError:
        raise
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().split("\n")[0]
        raise InputError(f"{name}: cannot be loaded as a pipeline: {reason}") from error
    except Exception as error:  # whatever a damaged file makes of the libraries that read it
        raise InputError(
            f"{name}: the pipeline's files are damaged ({type(error).__name__}): copy it anew."
        ) from error
    if "absa_gru" not in nlp.pipe_names:
        components = ", ".join(nlp.pipe_names) or "empty"
        raise InputError(f"{name}: no component absa_gru in this pipeline ({components}).")
    if lexicon is not None:
        entries = Lexicon.from_file(lexicon)
        for pipe in pipes_with_lexicon(nlp):
            pipe.set_lexicon(entries)
    if explain and "absa_explain" not in nlp.pipe_names:
        nlp.add_pipe("absa_explain")
    # spaCy's limit guards the parser's memory; absa_gru cuts long texts into windows.
    nlp.max_length = sys.maxsize
    return nlp


def annotate(
    nlp: Language, inputs: Iterable[tuple[str, Item]], batch_size: int, n_process: int
) -> Iterator[tuple[str, Mentions, Item]]:
    """Run the pipeline over (text, context) pairs: yield (text, mentions, context) of each."""
    docs = nlp.pipe(inputs, as_tuples=True, batch_size=batch_size, n_process=n_process)
    return ((doc.text, doc._.absa, context) for doc, context in docs)


def check_outputs(names: Sequence[str], pipes: Sequence[SentimentPipe]) -> None:
    """Raise InputError where a pipeline's component has other outputs than that of the first."""
    first = _output(pipes[0])
    for name, output in zip(names, map(_output, pipes), strict=True):
        if output != first:
            raise InputError(
                f"{name}: {output} differ from those of {names[0]}, {first}: train the pipelines "
                "on the same labels and scheme."
            )


def _output(pipe: SentimentPipe) -> str:
    labels = f"labels {', '.join(pipe.labels)}"
    return f"{labels} and scheme {pipe.scheme_name}" if isinstance(pipe, AbsaGRU) else labels
