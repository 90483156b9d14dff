"""Texts as spaCy's training data: gold Docs, the train and dev split, the raw-text reader."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Literal

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example
from spacy.training.corpus import walk_corpus
from spacy.vocab import Vocab
from srsly.msgpack import Unpacker

from ..errors import InputError
from ..types import CharSpan
from .files import atomic_write
from .texts import read_texts, stable_hash, unique, windows


def to_doc(
    tokenizer: Callable[[str], Doc], text: str, spans: Iterable[CharSpan]
) -> tuple[Doc, list[CharSpan]]:
    """Make a gold Doc with ``spans`` as entities; they must not overlap.

    A span that does not begin and end where tokens do is not guessed: the tokens it touches are
    annotated as missing, and it is returned in the list beside the Doc.
    """
    doc = tokenizer(text)
    entities, misaligned, touched = [], [], set()
    for span in spans:
        entity = doc.char_span(*span)
        if entity is None:
            misaligned.append(span)
            around = doc.char_span(*span, alignment_mode="expand")
            touched.update(range(around.start, around.end))
        else:
            entities.append(entity)
    doc.set_ents(entities, missing=[doc[i : i + 1] for i in sorted(touched)])
    return doc, misaligned


def read_docs(corpus: Path) -> list[Doc]:
    """The gold Docs of a ``.spacy`` file or a folder of them.

    Raises InputError if there is no such file, or one is damaged.
    """
    vocab = Vocab()
    return [doc for path in _spacy_files(corpus) for doc in _read(path, vocab)]


def read_examples(nlp: Language, corpus: Path) -> list[Example]:
    """The gold Docs of ``.spacy`` files, each beside an unannotated one that `nlp` can annotate.

    Raises InputError if there is no such file, or one is damaged.
    """
    return list(CheckedCorpus(corpus)(nlp))


def _spacy_files(corpus: Path) -> list[Path]:
    paths = walk_corpus(corpus, ".spacy") if corpus.exists() else []
    if not paths:
        raise InputError(f"{corpus}: no .spacy file: give data made by `spacy absa convert`.")
    return paths


class CheckedCorpus(Corpus):
    """spaCy's corpus of ``.spacy`` files, whose errors name the file that is missing or damaged."""

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Yield the examples. Raises InputError where there are no files."""
        _spacy_files(self.path)
        return super().__call__(nlp)

    def read_docbin(self, vocab: Vocab, locs: Iterable[str | Path]) -> Iterator[Doc]:
        """Yield the gold Docs of all files. Raises InputError for one that cannot be read."""
        docs = chain.from_iterable(_read(path, vocab) for path in locs)
        return islice(filter(len, docs), self.limit or None)


def create_corpus(
    path: Path | None,
    gold_preproc: bool = False,
    max_length: int = 0,
    limit: int = 0,
    augmenter: Callable | None = None,
) -> Callable[[Language], Iterator[Example]]:
    """`spacy_absa.Corpus.v1`: as `spacy.Corpus.v1`, but says which file is missing or damaged."""
    return CheckedCorpus(
        given(path, "train and --paths.dev"),
        limit=limit,
        gold_preproc=gold_preproc,
        max_length=max_length,
        augmenter=augmenter,
    )


def _read(path: str | Path, vocab: Vocab) -> Iterator[Doc]:
    """What `DocBin.get_docs` yields, which looks for srsly's plug-ins once for each user data."""
    docbin = _load(path)
    packed, docbin.user_data = docbin.user_data, []
    unpacker = Unpacker(raw=False, use_list=False)
    for doc, user_data in zip_longest(docbin.get_docs(vocab), packed):
        if user_data is not None:
            unpacker.feed(user_data)
            doc.user_data.update(unpacker.unpack())
        yield doc


def _load(path: str | Path) -> DocBin:
    try:
        return DocBin().from_disk(path)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: is damaged or no .spacy file: copy it anew, or make it again with "
            "`spacy absa convert`."
        ) from error


def write_docs(path: str | Path, docs: Iterable[Doc]) -> None:
    """Write Docs, with their user data if they have any, as a ``.spacy`` file."""
    docs = list(docs)
    # spaCy's own reader takes five times as long for Docs with user data, even if that is empty.
    with_data = any(doc.user_data for doc in docs)
    with atomic_write(path, "wb") as file:
        file.write(DocBin(docs=docs, store_user_data=with_data).to_bytes())


def in_dev(text: str, share: float) -> bool:
    """Whether a text falls into the dev split of that share: a fixed property of the text."""
    return stable_hash(text) < share * 2**64


def given(path: Path | None, name: str) -> Path:
    """A path of the config that must be there. Raises InputError where it is None."""
    if path is None:
        raise InputError(f"The config has no path for it: give --paths.{name}.")
    return path


def create_raw_text_reader(
    paths: Path | list[Path] | None,
    column: str | None = None,
    max_length: int = 256,
    min_length: int = 2,
    limit: int = 0,
    dev_share: float = 0.02,
    split: Literal["train", "dev", "all"] = "all",
) -> Callable[[Language], Iterator[Example]]:
    """`spacy_absa.RawText.v1`: a corpus of unlabelled text for the language model.

    paths: Files, folders or globs, as for ``read_texts``; read as a stream on each pass.
    column: The column of the text in tables, or its key in JSONL; guessed where not given.
    max_length, min_length: Longer texts are cut into windows of at most so many characters;
        shorter windows are dropped.
    limit: The number of windows to read at most; 0 for all.
    dev_share, split: Which part to read. Whether a text belongs to "train" or "dev" only
        depends on the text, so two readers of the same files never overlap.
    """

    def read(nlp: Language) -> Iterator[Example]:
        sources = paths if isinstance(paths, list) else [given(paths, "texts")]
        texts = unique(text for path in sources for text in read_texts(path, column))
        pieces = (
            window
            for text in texts
            if split == "all" or in_dev(text, dev_share) == (split == "dev")
            for window in windows(text, max_length)
            if len(window.strip()) >= min_length
        )
        for piece in islice(pieces, limit or None):
            doc = nlp.make_doc(piece)
            yield Example(doc, doc)

    return read
