"""Let commands write to a disk that becomes full, and to one that is read-only.

The disks are mounted in memory, so this needs Linux and the superuser.

python -m reliability.disks --cases 5
"""

import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer

from spacy_absa.data.contest import read_sentences

from .calls import CARS, DEMO, TINY, checkpoint, files, run, succeed, training

_PAGE = 4096
Outcomes = Counter[str]
Files = dict[str, bytes]


def main(
    cases: Annotated[int, typer.Option(help="Full disks of each command")] = 5,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this command; can be repeated")
    ] = None,
    seed: int = 0,
) -> None:
    """Print what each command left on full disks; any broken promise ends it with an error."""
    torch.set_num_threads(1)
    rng = random.Random(seed)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "disk").mkdir()
        for command, arguments in calls(folder).items():
            if only and command not in only:
                continue
            start = time.monotonic()
            outcomes = fill(arguments, folder, cases, rng)
            seconds = time.monotonic() - start
            print(f"{command}: {cases} full disks in {seconds:.0f} s: {dict(outcomes)}", flush=True)


def calls(folder: Path) -> dict[str, list[str]]:
    """Calls that write to the folder `disk`, and to nothing else."""
    texts = read_sentences(DEMO / "Test.csv").values()
    rows = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    (folder / "rows.jsonl").write_text("".join(rows), encoding="utf-8")
    annotate = ["absa", "annotate", str(TINY), "rows.jsonl", "--output", "disk/annotated"]
    predict = ["absa", "predict", str(TINY), str(DEMO / "Test.csv")]
    succeed([*predict, "answer.jsonl"], folder)
    report = ["absa", "report", "answer.jsonl"]
    labels = ["--labels", str(DEMO / "Label.csv"), "--dev", "disk/dev.spacy"]
    return {
        "annotate": [*annotate, "--shard-size", "20", "--n-process", "2"],
        "convert": ["absa", "convert", str(DEMO / "Train.csv"), "disk/train.spacy", *labels],
        "predict": [*predict, "disk/answer.jsonl"],
        "report": [*report, "--output", "disk/a.html", "--csv", "disk/a.csv"],
        "interpolate": ["absa", "interpolate", str(CARS), str(CARS), "disk/pipeline"],
        "train": [*training(folder), "--output", "disk/training"],
    }


def fill(arguments: list[str], folder: Path, n_cases: int, rng: random.Random) -> Outcomes:
    """Call on disks with too little room, and on a read-only one; then again with enough room.

    What is written is whole or absent, and in the end all equals an undisturbed call's.
    """
    disk = folder / "disk"
    with mounted(disk):
        succeed(arguments, folder)
        expected = written(disk)
        needed = sum(-(-len(data) // _PAGE) * _PAGE for data in files(disk).values())
    known = _digests(folder)
    outcomes = Outcomes()
    for _ in range(n_cases):
        with mounted(disk, rng.randrange(_PAGE, needed - _PAGE)):
            code, messages = run(arguments, folder)
            _check_refusal(arguments, code, messages, "No space left on device")
            outcomes.update(_look(disk, expected, known))
            _mount("-o", "remount,size=0", str(disk))
            succeed(arguments, folder)
            assert written(disk) == expected
            outcomes["gone on with room enough, equal to the byte"] += 1
    with mounted(disk):
        _mount("-o", "remount,ro", str(disk))
        code, messages = run(arguments, folder)
        _check_refusal(arguments, code, messages, "Read-only file system")
        assert not files(disk)
        outcomes["read-only: refused"] += 1
    return outcomes


@contextmanager
def mounted(folder: Path, size: int = 0) -> Iterator[None]:
    """A new disk of so many bytes, without a limit if it is 0."""
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def written(disk: Path) -> Files:
    """The files by their paths, without temporary ones.

    Of the records of a bulk run, which hold times, only that they are whole and what they count.
    """
    found = {}
    for path, data in files(disk).items():
        if any(part.startswith(".") for part in Path(path).parts):
            continue
        if path.startswith("annotated/") and path.endswith(".json"):
            record = json.loads(data)
            data = json.dumps(record.get("counts") or record.get("entities")).encode()
        found[path] = data
    return found


def _check_refusal(arguments: list[str], code: int, messages: str, reason: str) -> None:
    """One line that says what cannot be written and why; spaCy's own commands say it as they do."""
    assert code == 1, (arguments, code, messages)
    errors = [line for line in messages.splitlines() if line.startswith("✘")]
    assert reason in messages, (arguments, messages)
    if arguments[0] == "absa":
        assert len(errors) == 1, (arguments, messages)
        assert "cannot be written" in errors[0]
        assert "Traceback" not in messages


def _look(disk: Path, expected: Files, known: set[str]) -> Outcomes:
    """What a call left on a full disk."""
    if known:
        names = ("model-best", "model-last")
        return Outcomes(checkpoint(disk / "training" / name, known) for name in names)
    found = written(disk)
    manifest = found.pop("annotated/manifest.json", b"null")
    assert manifest == b"null"  # of a run that is not whole
    assert found.items() <= expected.items()
    outcomes = Outcomes({"whole files": len(found), "absent files": len(expected) - len(found)})
    outcomes["temporary files left"] = len(files(disk)) - len(found)
    return outcomes


def _digests(folder: Path) -> set[str]:
    """Of the checkpoints that an undisturbed training has noted."""
    path = folder / "checkpoints.txt"
    return set(path.read_text("ascii").split()) if path.exists() else set()


if __name__ == "__main__":
    typer.run(main)
