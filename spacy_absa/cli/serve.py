"""``spacy absa serve``: a web page to try a pipeline, and its JSON endpoint."""

from typing import Annotated

import typer

from ..extras import require
from ._util import GpuIdOpt, LexiconOpt, PipelineArg, command, load_pipeline

_MODULES = ("fastapi", "limits", "plotly", "python_multipart", "uvicorn")
_LOOPBACK = ("127.0.0.1", "localhost")


@command("serve")
def serve(
    pipeline: PipelineArg,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port, 0 for any free one")] = 8000,
    per_minute: Annotated[
        int, typer.Option(min=1, help="Most requests of one address in a minute")
    ] = 240,
    lexicon: LexiconOpt = None,
    gpu_id: GpuIdOpt = -1,
) -> None:
    """Try a pipeline on a web page: scores, other readings, explanations, brands of a file.

    The page edits the entity list and the way it is used for its own requests only. Programs ask
    POST /analyse; /openapi.json describes it. Nothing is loaded from other machines. There is no
    password: listen on other addresses than 127.0.0.1 only in a network that you trust.

    \b
    Example:
      python -m spacy absa serve assets/zh_absa_cars --port 8000
    """
    require("app", *_MODULES, what="The web page")
    import uvicorn

    from ..app.server import Limits, create_app

    nlp = load_pipeline(pipeline, lexicon, gpu_id)
    hosts = _LOOPBACK if host in _LOOPBACK else ("*",)
    app = create_app(nlp, limits=Limits(per_minute=per_minute), hosts=hosts)
    uvicorn.run(app, host=host, port=port, access_log=False)
