"""The whole workflow of project.yml, on a cut of the demo corpus."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly

ROOT = Path(__file__).parents[1]
N_SENTENCES = 120


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "project.yml", folder)
    shutil.copytree(ROOT / "configs", folder / "configs")
    shutil.copytree(ROOT / "assets/demo", folder / "assets/demo")
    for name in ("Train.csv", "Test.csv"):
        path = folder / "assets/demo" / name
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[: N_SENTENCES + 1]))
    sentences = {line.split("\t")[0] for line in _lines(folder / "assets/demo/Train.csv")}
    labels = [
        line
        for line in _lines(folder / "assets/demo/Label.csv")
        if line.split("\t")[0] in sentences
    ]
    (folder / "assets/demo/Label.csv").write_text("".join(labels), encoding="utf8", newline="")
    return folder


def _lines(path):
    return path.read_text(encoding="utf8").splitlines(keepends=True)


def _run(folder):
    command = [sys.executable, "-m", "spacy", "project", "run", "all", str(folder)]
    command += ["--vars.demo_steps", "60"]
    return subprocess.run(command, capture_output=True, encoding="utf8", check=False)


def test_the_workflow_goes_from_contest_files_to_a_package_and_then_has_nothing_to_do(project):
    first = _run(project)
    assert first.returncode == 0, first.stdout + first.stderr
    scores = srsly.read_json(project / "metrics/demo.json")
    assert scores["absa_gru"]["absa_f"] > 0.1
    assert list(project.glob("packages/zh_absa_demo-0.1.0/dist/*.tar.gz"))
    nlp = spacy.load(project / "training/demo/final")
    assert nlp.get_pipe("absa_gru").labels == ("NEG", "NEU", "POS")
    assert "我喜欢本田，我不喜欢丰田" in first.stdout
    second = _run(project)
    assert second.returncode == 0
    # The last step has no output but what it prints, so it always runs.
    assert second.stdout.count("Skipping") == first.stdout.count("Running command") - 1
