"""``spacy absa calibrate``: probabilities that are as often right as they say."""

from pathlib import Path
from typing import Annotated, Any

import typer
from wasabi import msg

from ..data.files import write_folder
from ..decoding.calibration import Calibration
from ..errors import InputError
from ..evaluation.confidence import calibration_figures, fit_calibration
from ..evaluation.readings import read, scored_entities
from ..pipeline.judges import reader_behind
from ._util import GpuIdOpt, LexiconOpt, PipelineArg, command, load_pipeline


@command("calibrate")
def calibrate(
    pipeline: PipelineArg,
    dev: Annotated[Path, typer.Argument(metavar="DEV", help="Gold data to fit on, .spacy")],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The new pipeline")],
    lexicon: LexiconOpt = None,
    gpu_id: GpuIdOpt = -1,
) -> None:
    """Calibrate the reported probabilities: of entities with a score of .8, 80 % are right.

    What is found stays the same, and so does the order of the scores. Fit on data that the
    pipeline was not trained on, and as the last step: training on, averaging, interpolating,
    another lexicon and other bonuses change the probabilities. A `threshold` is compared with the
    calibrated score, so choose it afterwards. With absa_polarity behind the tagger it is that
    component which is calibrated. A calibration of the tagger stays, since the opinions depend on
    it, and the tagger's threshold sees the score from before absa_polarity.

    \b
    Example:
      python -m spacy absa calibrate training/tagger/model-best corpus/dev.spacy training/final
    """
    nlp = load_pipeline(pipeline, lexicon, gpu_id)
    tagger = nlp.get_pipe("absa_gru")
    tagger.threshold = 0.0
    absa = reader_behind(nlp, tagger) or tagger  # the one with the last word
    absa.calibration = Calibration()
    found = scored_entities(read(nlp, dev))
    if not found:
        raise InputError(
            f"{dev}: the pipeline finds no entity in it: give texts of its domain, or train longer."
        )
    before = calibration_figures(found)
    absa.calibration = fit_calibration(found)
    after = calibration_figures(scored_entities(read(nlp, dev)))
    # Loaded anew, or the vocabulary would be saved with all words of the development data.
    fresh = load_pipeline(pipeline, lexicon, gpu_id)
    fresh.get_pipe(absa.name).calibration = absa.calibration
    write_folder(output_path, fresh.to_disk)
    msg.table(
        [(name, *(_ece(figures[name]) for figures in (before, after))) for name in before],
        header=("Expected calibration error", "Before", "After"),
        aligns=("l", "r", "r"),
        divider=True,
    )
    msg.good(f"{output_path}: calibrated on {len(found)} entities found in {dev}")


def _ece(figures: dict[str, Any]) -> str:
    return "-" if figures["ece"] is None else f"{figures['ece']:.3f}"
