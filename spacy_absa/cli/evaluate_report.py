"""``spacy absa evaluate-report``: how good a pipeline is, where it fails, what its scores mean."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..data.files import atomic_write, write_json
from ..evaluation.figures import comparison_figures, evaluation_figures
from ..extras import require
from ._util import GpuIdOpt, PipelineArg, check_suffix, command, load_pipeline


@command("evaluate-report")
def evaluate_report(
    pipeline: PipelineArg,
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="Gold data: .spacy or a folder")],
    output_path: Annotated[Path, typer.Option("--output", help="The page, .html")],
    json_path: Annotated[Path | None, typer.Option("--json", help="All figures, .json")] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="PIPELINE", help="Another pipeline to compare with")
    ] = None,
    train: Annotated[
        Path | None, typer.Option(help="Training data, to tell names seen there from others")
    ] = None,
    errors: Annotated[int, typer.Option(min=0, help="Texts read wrongly to show")] = 30,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the comparison")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the resamples")] = 0,
    gpu_id: GpuIdOpt = -1,
) -> None:
    """Report on a pipeline in one HTML page: scores, confusion, hard cases, confidence, errors.

    Everything that `spacy evaluate` gives is in it. With another pipeline, a paired bootstrap
    tells whether their difference may be chance.

    \b
    Example:
      python -m spacy absa evaluate-report training/tagger/model-best corpus/dev.spacy \\
          --train corpus/train.spacy --output report.html --json report.json
    """
    check_suffix(output_path, ".html")
    if json_path:
        check_suffix(json_path, ".json")
    require("report", "plotly", what=f"{output_path}: a report")
    from ..evaluation.page import render_page

    nlp = load_pipeline(pipeline, None, gpu_id)
    other = load_pipeline(compare, None, gpu_id) if compare else None
    figures = {
        "pipeline": pipeline,
        "gold": str(gold),
        "train": str(train) if train else None,
        **evaluation_figures(nlp, gold, train=train, n_errors=errors),
        "comparison": None,
    }
    if other:
        figures["comparison"] = {
            "pipeline": compare,
            **comparison_figures(nlp, other, gold, resamples=resamples, seed=seed),
        }
    page = render_page(figures)
    if json_path:
        write_json(json_path, figures)
    with atomic_write(output_path) as file:
        file.write(page)
    scores, confidence = figures["scores"], figures["calibration"]["absa_score"]
    ece = "" if confidence["ece"] is None else f", calibration error {confidence['ece']:.3f}"
    msg.good(f"{output_path}: F1 {scores['absa_f']:.3f} on {figures['n_texts']} texts{ece}")
