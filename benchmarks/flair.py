"""Characters per second against Flair's tagger, where Flair is installed."""

from importlib.util import find_spec
from typing import Any

import typer

from ._report import Row
from ._subjects import Subjects

TEXTS = 256  # of the texts: it takes its time


def run(subjects: Subjects) -> list[Row]:
    """The pipeline against a `SequenceTagger` of the same sizes, from strings to labelled spans.

    Its weights are those that it starts with: training them does not change the speed.
    """
    if find_spec("flair") is None:
        typer.echo("  left out: Flair is not installed (see benchmarks/README.md)", err=True)
        return []
    from flair.data import Sentence
    from flair.tokenization import TokenizerWrapper

    nlp, texts = subjects.nlp, subjects.texts[:TEXTS]
    model = nlp.config["components"]["absa_gru"]["model"]
    tagger = make_tagger(model, texts, subjects.component.labels)
    characters = TokenizerWrapper(lambda text: [char for char in text if not char.isspace()])
    timings = subjects.compare(
        {
            "nlp.pipe": lambda: list(nlp.pipe(texts)),
            "Flair, SequenceTagger": lambda: tagger.predict(
                [Sentence(text, use_tokenizer=characters) for text in texts]
            ),
        }
    )
    ours, theirs = timings.values()
    n_chars = sum(map(len, texts))
    return [
        Row(
            "flair",
            name,
            n_chars / timing.median,
            "characters/s",
            timing.spread,
            theirs.median / ours.median if timing is ours else None,
            "Flair, SequenceTagger" if timing is ours else "",
        )
        for name, timing in timings.items()
    ]


def make_tagger(model: dict[str, Any], texts: list[str], labels: tuple[str, ...]) -> Any:
    """Flair's tagger with the sizes in the configuration of our model."""
    from flair.data import Dictionary
    from flair.embeddings import FlairEmbeddings, StackedEmbeddings
    from flair.models import LanguageModel, SequenceTagger

    alphabet = Dictionary()
    for char in sorted(set("".join(texts))):
        alphabet.add_item(char)
    language_models = [
        LanguageModel(
            alphabet,
            is_forward_lm=is_forward,
            hidden_size=model["charlm"]["width"],
            nlayers=1,
            embedding_size=model["charlm"]["vector_width"],
            recurrent_type="GRU",
        )
        for is_forward in (True, False)
    ]
    # The state after each character: no blanks are put between them.
    embeddings = [
        FlairEmbeddings(lm, with_whitespace=False, tokenized_lm=False) for lm in language_models
    ]
    tags = Dictionary(add_unk=False)
    tags.span_labels = True
    for label in labels:
        tags.add_item(label)
    return SequenceTagger(
        StackedEmbeddings(embeddings),
        tags,
        tag_type="absa",
        tag_format="BIO",
        rnn_type="GRU",
        hidden_size=model["encoder"]["width"],
        rnn_layers=model["encoder"]["depth"],
        reproject_embeddings=False,
    ).eval()
