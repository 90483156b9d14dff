"""``spacy absa ensemble``: several trained pipelines as one."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.language import Language
from spacy.util import load_model_from_config
from wasabi import msg

from ..data.files import write_folder
from ..errors import InputError
from ..models.torch_layer import halve
from ..pipeline.char_pipe import SentimentPipe, pipes_with_lexicon
from ._util import check_outputs, command, load_pipeline

# What is averaged, and the architecture of the mean.
_MEANS = {
    "absa_gru": "spacy_absa.Ensemble.v1",
    "absa_polarity": "spacy_absa.ReaderEnsemble.v1",
}


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

    Labels and tag scheme must agree. What is averaged are the taggers, and where the first one has
    an absa_polarity behind it, with this those of the others that have one. All else, the lexicon
    and its mode too, comes from the first one. A good teacher for `spacy absa pseudo-label` and
    `spacy absa distill`.

    \b
    Example:
      python -m spacy absa ensemble training/seed_*/model-best training/ensemble
    """
    if len(pipelines) < 2:
        raise InputError("An ensemble needs two pipelines or more: name them before the output.")
    if _is_single(output_path):
        raise InputError(
            f"{output_path}: exists already and is no ensemble: name the output behind the "
            "pipelines."
        )
    members = [(name, load_pipeline(name, None, -1)) for name in pipelines]
    nlp = _join(members)
    if half:
        for pipe in pipes_with_lexicon(nlp):
            halve(pipe.model)
    write_folder(output_path, nlp.to_disk)
    msg.good(f"{output_path}: mean of {len(members)} pipelines")


def _is_single(folder: Path) -> bool:
    """Whether there is a pipeline, whose tagger no call of this command has made."""
    if not (folder / "config.cfg").exists():
        return False
    text = (folder / "config.cfg").read_text("utf-8", "replace")
    return f'"{_MEANS["absa_gru"]}"' not in text


def _join(members: list[tuple[str, Language]]) -> Language:
    """A pipeline like the first one, but for the models of its tagger and its reader of entities.

    Raises InputError where those of the others do not go with them.
    """
    first = members[0][1]
    config = first.config.copy()
    means = {}
    for component in filter(first.has_pipe, _MEANS):
        owners = [(name, nlp) for name, nlp in members if nlp.has_pipe(component)]
        if len(owners) > 1:
            means[component] = [nlp.get_pipe(component) for _, nlp in owners]
            check_outputs([name for name, _ in owners], means[component])
            models = [nlp.config["components"][component]["model"] for _, nlp in owners]
            config["components"][component]["model"] = {
                "@architectures": _MEANS[component],
                "*": {f"member_{number}": model for number, model in enumerate(models, start=1)},
            }
    joint = load_model_from_config(config)
    joint.from_bytes(first.to_bytes(exclude=[*means]), exclude=[*means])
    for component, pipes in means.items():
        _fill(joint.get_pipe(component), pipes)
    return joint


def _fill(joint: SentimentPipe, members: list[SentimentPipe]) -> None:
    """Give a component the models of all members, and all else of the first one."""
    joint.from_bytes(members[0].to_bytes(exclude=["model"]), exclude=["model"])
    for member, layer in zip(members, joint.model.layers, strict=True):
        layer.from_bytes(member.model.to_bytes())
