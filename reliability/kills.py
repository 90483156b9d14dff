"""Kill what writes, at random moments, and look at what is left and what a next call makes of it.

Each call runs in a fork of this process, so as not to be killed while it imports most of the time.

python -m reliability.kills --annotate 25 --train 20 --commands 20 --save 60
"""

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import spacy
import torch
import typer
from spacy.language import Language
from spacy.tokens import Doc

from spacy_absa.data.contest import read_sentences
from spacy_absa.data.corpora import read_docs, write_docs
from spacy_absa.data.files import atomic_write, write_folder

from .calls import CARS, DEMO, TINY, call, checkpoint, files, fork, succeed, training
from .checkpoints import digest

# Of either state that is saved over the other.
N_DOCS = (20, 2000)

Outcomes = Counter[str]


def main(
    annotate: Annotated[int, typer.Option(help="Kills of `absa annotate`")] = 25,
    train: Annotated[int, typer.Option(help="Kills of `spacy train`")] = 20,
    commands: Annotated[int, typer.Option(help="Kills of `absa convert` and `predict`")] = 20,
    save: Annotated[int, typer.Option(help="Kills while saving without a pause")] = 60,
    seed: int = 0,
) -> None:
    """Run all scenes and print what the kills left; any broken promise ends it with an error."""
    torch.set_num_threads(1)
    rng = random.Random(seed)
    scenes = {
        "annotate": (kill_annotate, annotate),
        "train": (kill_train, train),
        "convert": (kill_convert, commands // 2),
        "predict": (kill_predict, commands - commands // 2),
        "save": (kill_saves, save),
    }
    for name, (scene, n_kills) in scenes.items():
        if not n_kills:
            continue
        start = time.monotonic()
        with TemporaryDirectory() as folder:
            outcomes = scene(Path(folder), n_kills, rng)
        seconds = time.monotonic() - start
        print(f"{name}: {n_kills} kills in {seconds:.0f} s: {dict(outcomes)}", flush=True)


class Command(NamedTuple):
    """A call of `python -m spacy`, and how long it takes to the end."""

    arguments: list[str]
    seconds: float

    def kill(self, rng: random.Random, folder: Path) -> bool:
        """Run it and kill it at a random moment; returns whether it was not yet done then."""
        process = fork(call, self.arguments, folder)
        process.join(rng.uniform(0, self.seconds))
        process.kill()
        process.join()
        return process.exitcode == -signal.SIGKILL


def timed(arguments: list[str], folder: Path) -> Command:
    """Run a call to its end."""
    start = time.monotonic()
    succeed(arguments, folder)
    return Command(arguments, time.monotonic() - start)


def kill_annotate(folder: Path, n_kills: int, rng: random.Random) -> Outcomes:
    """Bulk runs: every file is whole or absent, and in the end all equal an undisturbed run's.

    A run that comes to its end is compared, and the next one begins in a new folder.
    """
    texts = read_sentences(DEMO / "Test.csv").values()
    rows = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    (folder / "rows.jsonl").write_text("".join(rows), encoding="utf-8")
    arguments = ["absa", "annotate", str(TINY), "rows.jsonl", "--shard-size", "20", "--output"]
    options = ["--n-process", "2"]
    command = timed([*arguments, "undisturbed", *options], folder)
    expected = _parts(folder / "undisturbed")
    outcomes = Outcomes()
    name = "killed-0"
    for number in range(1, n_kills + 1):
        killed = Command([*arguments, name, *options], command.seconds).kill(rng, folder)
        found = _parts(folder / name)
        wrong = [part for part, data in found.items() if data != expected[part]]
        assert not wrong, wrong
        outcomes["killed" if killed else "done before the kill"] += 1
        outcomes["parts that were there after a kill"] += len(found) * killed
        if number == n_kills or not killed:
            succeed([*arguments, name, *options], folder)
            assert _parts(folder / name) == expected
            outcomes["resumed to the end, equal to the byte"] += 1
            name = f"killed-{number}"
    return outcomes


def _parts(output: Path) -> dict[str, bytes]:
    paths = [*output.glob("part-*"), *output.glob("quarantine.jsonl")]
    return {path.name: path.read_bytes() for path in paths}


def kill_train(folder: Path, n_kills: int, rng: random.Random) -> Outcomes:
    """Training: a checkpoint is absent, or one of the undisturbed run's, or refused.

    Training that is begun anew with the same seed ends with the same bytes.
    """
    arguments = training(folder)
    command = timed([*arguments, "--output", "undisturbed"], folder)
    known = set((folder / "checkpoints.txt").read_text("ascii").split())
    outcomes = Outcomes()
    for _ in range(n_kills):
        Command([*arguments, "--output", "killed"], command.seconds).kill(rng, folder)
        for name in ("model-best", "model-last"):
            outcomes[checkpoint(folder / "killed" / name, known)] += 1
    succeed([*arguments, "--output", "killed"], folder)
    assert files(folder / "killed") == files(folder / "undisturbed")
    outcomes["trained to the end, equal to the byte"] += 1
    return outcomes


def kill_convert(folder: Path, n_kills: int, rng: random.Random) -> Outcomes:
    """`absa convert`: each output is absent or whole."""
    inputs = [str(DEMO / "Train.csv"), "--labels", str(DEMO / "Label.csv")]
    outputs = ["train.spacy", "--dev", "dev.spacy", "--report", "report.tsv"]
    return _kill_command(
        ["absa", "convert", inputs[0], *outputs, *inputs[1:]], folder, n_kills, rng
    )


def kill_predict(folder: Path, n_kills: int, rng: random.Random) -> Outcomes:
    """`absa predict`: the output is absent or whole."""
    arguments = ["absa", "predict", str(TINY), str(DEMO / "Test.csv"), "answer.jsonl"]
    return _kill_command(arguments, folder, n_kills, rng)


def _kill_command(arguments: list[str], folder: Path, n_kills: int, rng: random.Random) -> Outcomes:
    command = timed(arguments, folder)
    expected = _outputs(folder)
    outcomes = Outcomes()
    for _ in range(n_kills):
        for name in expected:
            (folder / name).unlink(missing_ok=True)
        killed = command.kill(rng, folder)
        outcomes["killed" if killed else "done before the kill"] += 1
        found = _outputs(folder)
        assert found.items() <= expected.items()
        outcomes["whole outputs"] += len(found)
        outcomes["absent outputs"] += len(expected) - len(found)
    succeed(arguments, folder)
    assert _outputs(folder) == expected
    outcomes["called again, equal to the byte"] += 1
    return outcomes


def _outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*") if path.is_file()}


def kill_saves(folder: Path, n_kills: int, rng: random.Random) -> Outcomes:
    """Saving over what is there, again and again: what is left is the one state or the other."""
    first, second = spacy.load(CARS), spacy.load(CARS)
    crf = next(node for node in second.get_pipe("absa_gru").model.walk() if node.name == "crf")
    crf.set_param("transitions", crf.get_param("transitions") + 1)
    known = {digest(first), digest(second)}
    texts = [[first.make_doc("本田")] * n for n in N_DOCS]
    writers = [partial(_write, folder, first, texts[0]), partial(_write, folder, second, texts[1])]
    start = time.monotonic()
    for write in writers:
        write()
    seconds = time.monotonic() - start
    outcomes = Outcomes()
    for _ in range(n_kills):
        process = fork(_for_ever, writers)
        time.sleep(rng.uniform(0, seconds))
        process.kill()
        process.join()
        outcomes["folder: " + checkpoint(folder / "folder", known)] += 1
        outcomes["to_disk: " + checkpoint(folder / "plain", known)] += 1
        assert len(read_docs(folder / "docs.spacy")) in N_DOCS
        lines = (folder / "lines.txt").read_text("utf-8").splitlines()
        assert len(lines) in N_DOCS
        assert set(lines) == {"本田"}
        outcomes["files: whole"] += 2
    return outcomes


def _for_ever(writers: list[Callable[[], None]]) -> None:
    for write in cycle(writers):
        write()


def _write(folder: Path, nlp: Language, docs: list[Doc]) -> None:
    write_folder(folder / "folder", nlp.to_disk)
    nlp.to_disk(folder / "plain")
    write_docs(folder / "docs.spacy", docs)
    with atomic_write(folder / "lines.txt") as file:
        file.writelines(f"{doc.text}\n" for doc in docs)


if __name__ == "__main__":
    typer.run(main)
