"""``spacy absa audit``: whether pseudo-labelled texts are fit to be learned from."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from ..data.corpora import read_docs, read_examples
from ..data.files import write_json
from ._util import GpuIdOpt, PipelineArg, check_suffix, command, load_pipeline

_SCORES = ("absa_p", "absa_r", "absa_f", "absa_macro_f", "absa_per_type")


@command("audit")
def audit(
    pipeline: PipelineArg,
    pseudo: Annotated[Path, typer.Argument(help="What the pipeline has labelled, .spacy")],
    gold: Annotated[Path, typer.Option(help="Gold training data to compare with, .spacy")],
    dev: Annotated[Path, typer.Option(help="Gold data that the pipeline has not seen, .spacy")],
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="That of `spacy absa pseudo-label`")
    ] = 0.8,
    output_path: Annotated[
        Path | None, typer.Option("--output", help="Write all figures, .json")
    ] = None,
    gpu_id: GpuIdOpt = -1,
) -> None:
    """Compare pseudo-labelled texts with gold data before training on them.

    Class drift: entities per text, and the share of each label, in the gold data and in the
    pseudo-labelled texts; their distance is half the sum of the differences between the shares,
    0 if they are equal and 1 if they have no label in common.

    Agreement: precision, recall and F-score of the pipeline on the development data, on all texts
    and on those that pseudo-labelling would keep, where every entity has at least the threshold's
    score. The precision on these is what to expect of the pseudo-labels.

    \b
    Example:
      python -m spacy absa audit training/model-best pseudo.spacy --gold train.spacy --dev dev.spacy
    """
    if output_path is not None:
        check_suffix(output_path, ".json")
    before, after = describe(read_docs(gold)), describe(read_docs(pseudo))
    nlp = load_pipeline(pipeline, None, gpu_id)
    report = {
        "gold": before,
        "pseudo": after,
        "distance": distance(before["shares"], after["shares"]),
        "dev": {"threshold": threshold, **_agreement(nlp, dev, threshold)},
    }
    _print(report)
    if output_path is not None:
        write_json(output_path, report)
        msg.good(f"{output_path}: the figures")


def describe(docs: list[Doc]) -> dict[str, Any]:
    """Numbers of texts and entities, entities per text, and the share of each label."""
    labels = Counter(entity.label_ for doc in docs for entity in doc.ents)
    n_entities = labels.total()
    return {
        "texts": len(docs),
        "entities": n_entities,
        "entities_per_text": n_entities / len(docs) if docs else 0.0,
        "shares": {label: count / n_entities for label, count in sorted(labels.items())},
    }


def distance(first: dict[str, float], second: dict[str, float]) -> float:
    """Total variation distance of two distributions over labels."""
    labels = first.keys() | second.keys()
    return sum(abs(first.get(label, 0.0) - second.get(label, 0.0)) for label in labels) / 2


def _agreement(nlp: Language, dev: Path, threshold: float) -> dict[str, Any]:
    """Scores on all gold texts, and on those that the pipeline is sure of."""
    examples = read_examples(nlp, dev)
    for example, doc in zip(examples, nlp.pipe([eg.predicted for eg in examples]), strict=True):
        example.predicted = doc
    sure = [
        example
        for example in examples
        if all(mention["score"] >= threshold for mention in example.predicted._.absa)
    ]
    tagger = nlp.get_pipe("absa_gru")
    return {
        name: {"texts": len(chosen), **_chosen_scores(tagger.score(chosen))}
        for name, chosen in (("all", examples), ("sure", sure))
    }


def _chosen_scores(scores: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("absa_"): scores[name] for name in _SCORES if name in scores}


def _print(report: dict[str, Any]) -> None:
    before, after, dev = report["gold"], report["pseudo"], report["dev"]
    shares = [
        (label, *(f"{100 * data['shares'].get(label, 0):.1f}%" for data in (before, after)))
        for label in sorted(before["shares"].keys() | after["shares"].keys())
    ]
    sizes = [
        ("texts", before["texts"], after["texts"]),
        ("entities", before["entities"], after["entities"]),
        ("per text", *(f"{data['entities_per_text']:.2f}" for data in (before, after))),
    ]
    header = ("Training data", "Gold", "Pseudo")
    msg.table([*sizes, *shares], header=header, aligns=("l", "r", "r"), divider=True)
    rows = [
        (
            name,
            chosen["texts"],
            *(f"{chosen.get(key, 0):.3f}" for key in ("p", "r", "f", "macro_f")),
        )
        for name, chosen in (("all", dev["all"]), ("sure", dev["sure"]))
    ]
    header = ("On dev", "Texts", "P", "R", "F", "Macro F")
    msg.table(rows, header=header, aligns=("l", *"rrrrr"), divider=True)
    msg.info(f"distance of the labels' shares: {report['distance']:.3f}")
