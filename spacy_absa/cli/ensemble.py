"""``spacy absa ensemble``: several trained pipelines as one."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.language import Language
from spacy.util import load_model_from_config
from wasabi import msg

from ..errors import InputError
from ..models.torch_layer import halve
from ..pipeline.char_pipe import char_pipes
from ._util import command, load_pipeline, write_folder


@command("ensemble")
def ensemble(
    pipelines: Annotated[
        list[str], typer.Argument(metavar="PIPELINE...", help="Pipelines to average, two or more")
    ],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The joint pipeline")],
    half: Annotated[
        bool, typer.Option("--half", help="Round weights to 16 bits: half the size on disk")
    ] = False,
) -> None:
    """Average pipelines trained with other seeds, sizes or data: slower, and more accurate.

    Labels and tag scheme must agree. What is averaged are the taggers; all else, the lexicon and
    its mode too, and an absa_polarity behind the tagger, comes from the first one. A good teacher
    for `spacy absa pseudo-label` and `spacy absa distill`.

    \b
    Example:
      python -m spacy absa ensemble training/seed_*/model-best training/ensemble
    """
    if len(pipelines) < 2:
        raise InputError("An ensemble needs two pipelines or more: name them before the output.")
    members = [load_pipeline(name, None, -1) for name in pipelines]
    taggers = [nlp.get_pipe("absa_gru") for nlp in members]
    for name, tagger in zip(pipelines, taggers, strict=True):
        if (tagger.labels, tagger.scheme_name) != (taggers[0].labels, taggers[0].scheme_name):
            raise InputError(
                f"{name}: labels {', '.join(tagger.labels)} and scheme {tagger.scheme_name} differ "
                f"from those of {pipelines[0]}, {', '.join(taggers[0].labels)} and "
                f"{taggers[0].scheme_name}: train the pipelines on the same labels and scheme."
            )
    nlp = _join(members)
    if half:
        for pipe in char_pipes(nlp):
            halve(pipe.model)
    write_folder(output_path, nlp.to_disk)
    msg.good(f"{output_path}: mean of {len(members)} pipelines")


def _join(members: list[Language]) -> Language:
    """A pipeline like the first one, but for its tagger's model, which holds those of all."""
    config = members[0].config.copy()
    config["components"]["absa_gru"]["model"] = {
        "@architectures": "spacy_absa.Ensemble.v1",
        "*": {
            f"member_{number}": nlp.config["components"]["absa_gru"]["model"]
            for number, nlp in enumerate(members, start=1)
        },
    }
    joint = load_model_from_config(config)
    joint.from_bytes(members[0].to_bytes(exclude=["absa_gru"]), exclude=["absa_gru"])
    first, tagger = members[0].get_pipe("absa_gru"), joint.get_pipe("absa_gru")
    tagger.from_bytes(first.to_bytes(exclude=["model"]), exclude=["model"])
    for member, layer in zip(members, tagger.model.layers, strict=True):
        layer.from_bytes(member.get_pipe("absa_gru").model.to_bytes())
    tagger.set_lexicon(first.lexicon)
    return joint
