"""``spacy absa interpolate``: a pipeline between two of one training."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..data.files import write_folder
from ..errors import InputError
from ..models.interpolation import interpolate as interpolate_models
from ._util import PipelineArg, check_outputs, command, load_pipeline

# What training on may change.
_BOTH = ("absa_gru", "absa_polarity")


@command("interpolate")
def interpolate(
    first: PipelineArg,
    second: Annotated[str, typer.Argument(help="The pipeline that was trained on from it")],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The new pipeline")],
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Way from the first to the second")
    ] = 0.5,
) -> None:
    """Take the weights between those of a pipeline and those of one trained on from it.

    Training on with other data (another domain, plain sentences) costs accuracy on the first; a
    point on the way between the two keeps most of both, at no cost in speed. Where both have an
    absa_polarity, its weights are taken from between too. All else comes from the first pipeline.
    Choose the share on development data.

    \b
    Example:
      python -m spacy absa interpolate training/tagger/model-best \\
          training/plain/model-best training/both --share 0.75
    """
    nlp, other = load_pipeline(first, None, -1), load_pipeline(second, None, -1)
    pairs = [
        (nlp.get_pipe(name), other.get_pipe(name))
        for name in _BOTH
        if nlp.has_pipe(name) and other.has_pipe(name)
    ]
    for pair in pairs:
        check_outputs([first, second], pair)
    try:
        for own, others in pairs:
            interpolate_models(own.model, others.model, share)
    except InputError as error:
        raise InputError(f"{first} and {second}: {error}") from error
    write_folder(output_path, nlp.to_disk)
    msg.good(f"{output_path}: {share:.0%} of the way from {first} to {second}")
