"""The web server: a page and its JSON endpoint, within limits, without access to files."""

import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version
from itertools import islice
from math import ceil
from pathlib import Path
from threading import BoundedSemaphore
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, FastAPI, File, Form, HTTPException, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from plotly.offline import get_plotlyjs
from pydantic import BaseModel, ConfigDict, Field
from spacy.language import Language
from spacy.util import minibatch
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ..data.text import find_surrogate
from ..data.texts import read_texts
from ..decoding.viterbi import Mode
from ..errors import InputError
from ..lexicon import Lexicon
from .analysis import Analyser
from .brands import brand_chart, count_brands

STATIC = Path(__file__).parent / "static"
SUFFIXES = (".csv", ".tsv", ".jsonl", ".txt")
# Everything comes from here; displaCy and Plotly style their elements in place.
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:"


class Limits(NamedTuple):
    """What a request may ask for."""

    texts: int = 64  # in one request
    chars: int = 5_000  # in one text
    close_chars: int = 1_000  # in all texts, where readings or explanations are asked for
    readings: int = 10  # of one text
    body: int = 10_000_000  # bytes of a request
    names: int = 50_000  # in an entity list
    rows: int = 2_000  # read of a file
    requests: int = 8  # at work or waiting at the same time
    per_minute: int = 240  # requests of one address


class AnalyseRequest(BaseModel):
    """Texts, and how to read them."""

    model_config = ConfigDict(extra="forbid")

    texts: list[str] = Field(min_length=1)
    lexicon: str | None = Field(None, description="Entity list: a name a line, a tab, its id")
    lexicon_mode: Mode | None = None
    readings: int = Field(0, ge=0)
    explain: bool = False
    html: bool = False


def create_app(
    nlp: Language, *, limits: Limits | None = None, hosts: tuple[str, ...] = ("*",)
) -> FastAPI:
    """The web application for a pipeline with the component ``absa_gru``.

    hosts: the names by which it may be called, so that no web page elsewhere can give its own name
    this machine's address and read the answers.
    """
    limits = limits or Limits()
    analyser = Analyser(nlp)
    # FastAPI's own pages about the endpoint load scripts from elsewhere.
    app = FastAPI(title="spacy-absa", version=version("spacy-absa"), docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    _add_guards(app, limits)
    _add_page(app)
    _add_facts(app, analyser, limits)
    _add_analysis(app, analyser, limits)
    return app


def _add_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/plotly.js", include_in_schema=False)
    def plotly() -> Response:
        return Response(get_plotlyjs(), media_type="text/javascript")

    app.mount("/static", StaticFiles(directory=STATIC))


def _add_facts(app: FastAPI, analyser: Analyser, limits: Limits) -> None:
    @app.get("/health")
    def health() -> dict[str, Any]:
        meta = analyser.nlp.meta
        return {
            "status": "ok",
            "version": version("spacy-absa"),
            "pipeline": f"{meta['lang']}_{meta['name']} {meta['version']}",
            "labels": analyser.pipe.labels,
            "lexicon_mode": analyser.mode,
            "lexicon_entries": len(analyser.lexicon),
            "limits": limits._asdict(),
        }

    @app.get("/lexicon", response_class=PlainTextResponse)
    def lexicon() -> str:
        return "".join(f"{entry.pattern}\t{entry.id}\n" for entry in analyser.lexicon.entries)


def _add_analysis(app: FastAPI, analyser: Analyser, limits: Limits) -> None:
    busy = Depends(_queue(limits.requests))

    @app.post("/analyse", dependencies=[busy])
    def analyse(request: AnalyseRequest) -> dict[str, Any]:
        _check(request, limits)
        results = analyser.analyse(
            request.texts,
            lexicon=_parse_lexicon(request.lexicon, limits),
            mode=request.lexicon_mode,
            n_readings=request.readings,
            explained=request.explain,
            html=request.html,
        )
        return {"results": results}

    @app.post("/file", dependencies=[busy])
    def file(
        file: Annotated[UploadFile, File()],
        lexicon: Annotated[str | None, Form()] = None,
        lexicon_mode: Annotated[Mode | None, Form()] = None,
    ) -> dict[str, Any]:
        texts = _read_upload(file, limits.rows + 1)
        names = _parse_lexicon(lexicon, limits)
        read = texts[: limits.rows]
        chosen = [text for text in read if text.strip() and len(text) <= limits.chars]
        results = []
        # Others get their turn between the batches.
        for batch in minibatch(chosen, limits.texts):
            results += analyser.analyse(batch, lexicon=names, mode=lexicon_mode, html=True)
        brands = count_brands(results)
        return {
            "results": results,
            "skipped": len(read) - len(chosen),
            "more": len(texts) > limits.rows,
            "brands": brands,
            "chart": brand_chart(brands),
        }


def _add_guards(app: FastAPI, limits: Limits) -> None:
    """Refuse large bodies and whoever asks too often; answer bad requests with one sentence.

    Assets from elsewhere are forbidden to the page.
    """
    rate = RateLimitItemPerMinute(limits.per_minute)
    rates = FixedWindowRateLimiter(MemoryStorage())

    @app.middleware("http")
    async def guard(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        length = request.headers.get("content-length", "")
        # Who has gone already has no address.
        address = request.client.host if request.client else ""
        if not rates.hit(rate, address):
            seconds = max(1, ceil(rates.get_window_stats(rate, address).reset_time - time.time()))
            response: Response = _refusal(
                429, f"At most {limits.per_minute} requests a minute: wait {seconds} s."
            )
            response.headers["Retry-After"] = str(seconds)
        elif request.method == "POST" and not length.isdecimal():
            response = _refusal(411, "Send the body with its Content-Length.")
        elif length and int(length) > limits.body:
            response = _refusal(
                413, f"The request has {int(length):,} bytes; at most {limits.body:,} are read."
            )
        else:
            response = await call_next(request)
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.exception_handler(InputError)
    def refuse_input(request: Request, error: InputError) -> JSONResponse:
        return _refusal(422, str(error))

    @app.exception_handler(RequestValidationError)
    def refuse_request(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        # The place in the body; of what is no JSON at all, the number of a character.
        place = ".".join(str(part) for part in first["loc"][1:] if first["type"] != "json_invalid")
        if request.url.path == "/analyse" and "json" not in request.headers.get("content-type", ""):
            return _refusal(415, "Send JSON, with Content-Type: application/json.")
        return _refusal(422, f"{place or 'body'}: {first['msg']}.")


def _refusal(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status)


def _queue(places: int) -> Callable[[], Iterator[None]]:
    """A dependency that lets so many requests in, and refuses the others."""
    slots = BoundedSemaphore(places)

    def slot() -> Iterator[None]:
        if not slots.acquire(blocking=False):
            raise HTTPException(
                503, "Too many requests are waiting: try again.", {"Retry-After": "1"}
            )
        try:
            yield
        finally:
            slots.release()

    return slot


def _check(request: AnalyseRequest, limits: Limits) -> None:
    """Raise InputError for what goes beyond the limits, and for what is no text."""
    if len(request.texts) > limits.texts:
        raise InputError(f"texts: {len(request.texts)}; send at most {limits.texts} at a time.")
    for number, text in enumerate(request.texts):
        if len(text) > limits.chars:
            raise InputError(f"texts.{number}: longer than {limits.chars:,} characters; cut it.")
        if find_surrogate(text) is not None:
            raise InputError(f"texts.{number}: holds an unpaired surrogate; mend it.")
    if request.readings > limits.readings:
        raise InputError(f"readings: at most {limits.readings}.")
    n_chars = sum(map(len, request.texts))
    if (request.readings or request.explain) and n_chars > limits.close_chars:
        raise InputError(
            f"texts: {n_chars:,} characters; readings and explanations are given for at most "
            f"{limits.close_chars:,} at a time."
        )


def _parse_lexicon(lines: str | None, limits: Limits) -> Lexicon | None:
    if lines is None:
        return None
    if find_surrogate(lines) is not None:
        raise InputError("lexicon: holds an unpaired surrogate; mend it.")
    names = lines.splitlines()
    if len(names) > limits.names:
        raise InputError(f"lexicon: {len(names):,} lines; send at most {limits.names:,}.")
    return Lexicon.parse(".txt", names, "entity list")


def _read_upload(upload: UploadFile, n: int) -> list[str]:
    """The first `n` texts of an uploaded file, of whose name only the suffix is used."""
    suffix = Path(upload.filename or "").suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"The file's name must end in {', '.join(SUFFIXES)}.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"file{suffix}")
        path.write_bytes(upload.file.read())
        try:
            return list(islice(read_texts(path), n))
        except InputError as error:
            raise InputError(str(error).replace(folder + os.sep, "")) from error
