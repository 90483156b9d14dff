"""Calls of `python -m spacy` in forks of this process, and what they write."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import spacy
from spacy.cli._util import app

import spacy_absa.cli  # noqa: F401 - adds its commands to spaCy's
from spacy_absa.errors import InputError

from .checkpoints import LOG, digest

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "assets/demo"
CARS = ROOT / "assets/zh_absa_cars"
TINY = ROOT / "tests/fixtures/format_1/pipeline"


def fork(target: Callable[..., None], *arguments: object) -> BaseProcess:
    """Start a process that need not import anything any more."""
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    process.start()
    return process


def call(arguments: list[str], folder: Path) -> None:
    """Call the command in this process, from a folder that takes what it prints."""
    os.chdir(folder)
    os.environ[LOG] = str(folder / "checkpoints.txt")
    for stream in (1, 2):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(folder / f".output-{stream}", flags), stream)
    # Whoever started this process may have put something else in their place.
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    app(arguments)


def run(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Call the command in a fork: its exit code and what it says on standard error."""
    process = fork(call, arguments, folder)
    process.join()
    return process.exitcode, (folder / ".output-2").read_text("utf-8")


def succeed(arguments: list[str], folder: Path) -> None:
    """Call a command that has to come to its end."""
    code, messages = run(arguments, folder)
    assert code == 0, (arguments, messages)


def training(folder: Path) -> list[str]:
    """The call of a small training of some seconds, with many checkpoints."""
    succeed(["absa", "alphabet", "alphabet.json", str(DEMO / "Train.csv")], folder)
    labels = ["--labels", str(DEMO / "Label.csv")]
    split = ["--dev", "dev.spacy", "--dev-share", "0.1"]
    succeed(["absa", "convert", str(DEMO / "Train.csv"), "train.spacy", *labels, *split], folder)
    config = spacy.util.load_config(ROOT / "configs/tagger.cfg", interpolate=False)
    tagger = config["components"]["absa_gru"]["model"]
    tagger["charlm"].update(vector_width=16, width=16)
    tagger["encoder"].update(width=16)
    config["initialize"]["components"]["absa_gru"] = {
        "alphabet": {"@misc": "spacy_absa.Alphabet.v1", "path": "alphabet.json"}
    }
    config["training"].update(max_steps=30, eval_frequency=5)
    config["training"]["before_to_disk"] = {"@callbacks": "reliability.note_checkpoint.v1"}
    config.to_disk(folder / "config.cfg")
    code = str(Path(__file__).with_name("checkpoints.py"))
    paths = ["--paths.train", "train.spacy", "--paths.dev", "dev.spacy"]
    return ["train", "config.cfg", *paths, "--code", code]


def checkpoint(path: Path, known: set[str]) -> str:
    """What became of a checkpoint; `known` are the digests of those of an undisturbed run."""
    if not path.exists():
        return "no checkpoint yet"
    try:
        nlp = spacy.load(path)
    except InputError as error:
        assert str(path) in str(error)
        return "half-written checkpoint refused, its file named"
    except (EOFError, OSError, ValueError):  # one of spaCy's own files, which come first
        return "half-written checkpoint refused by spaCy"
    assert digest(nlp) in known
    return "whole checkpoint of the undisturbed run"


def files(folder: Path) -> dict[str, bytes]:
    """The files of a folder and of those in it, by their paths in it."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
