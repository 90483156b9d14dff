"""Disks that are full or read-only: one line of error, and no half of a file."""

import errno
import os
import resource
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import spacy

from spacy_absa.data.files import atomic_write, write_folder
from spacy_absa.errors import InputError

DEMO = Path(__file__).parents[2] / "assets/demo"


@contextmanager
def full_disk(room):
    """No file can be larger than `room` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def calls(pipeline, tmp_path):
    """Calls that write the file or folder named last."""
    (tmp_path / "a.txt").write_text("本田好\n丰田坏\n" * 20, encoding="utf-8")
    train = [str(DEMO / "Train.csv"), "--labels", str(DEMO / "Label.csv")]
    return [
        ("predict", pipeline, "a.txt", "out.jsonl"),
        ("predict", pipeline, "a.txt", "out.csv"),
        ("pseudo-label", pipeline, "a.txt", "out.spacy"),
        ("convert", *train, "out.spacy"),
        ("alphabet", "out.json", str(DEMO / "Train.csv")),
    ]


def test_a_full_disk(calls, refused):
    for call in calls:
        with full_disk(100):
            assert "cannot be written: File too large" in refused(*call), call


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is where nobody can write")
def test_a_place_that_cannot_be_written_to(calls, refused):
    for call in calls:
        name = next(word for word in call if word.startswith("out."))
        elsewhere = [f"/proc/{name}" if word == name else word for word in call]
        assert f"/proc/{name}: cannot be written" in refused(*elsewhere), call


def test_a_folder_is_the_old_one_or_the_new_one(tmp_path):
    target = tmp_path / "folder"
    write_folder(target, spacy.blank("zh").to_disk)
    before = (target / "config.cfg").read_bytes()
    with full_disk(100), pytest.raises(InputError, match=f"{target}: cannot be written"):
        write_folder(target, spacy.blank("en").to_disk)
    assert (target / "config.cfg").read_bytes() == before
    write_folder(target, spacy.blank("en").to_disk)
    assert b'lang = "en"' in (target / "config.cfg").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_the_old_folder_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    target = tmp_path / "folder"
    write_folder(target, spacy.blank("zh").to_disk)
    rename = Path.rename

    def fail(path, to):
        if path.name == "new":
            raise PermissionError(errno.EACCES, "Permission denied")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(InputError, match=f"{target}: cannot be written: Permission denied"):
        write_folder(target, spacy.blank("en").to_disk)
    assert b'lang = "zh"' in (target / "config.cfg").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_the_folder_one_is_in_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is the folder you are in"):
        write_folder(Path("."), spacy.blank("zh").to_disk)
    assert not list(tmp_path.iterdir())


def test_what_is_no_pipeline_is_not_replaced(tmp_path):
    kept = tmp_path / "training/notes.txt"
    kept.parent.mkdir()
    kept.write_text("kept")
    for target in (kept, kept.parent):
        with pytest.raises(InputError, match=f"{target}: exists already and is no pipeline"):
            write_folder(target, spacy.blank("zh").to_disk)
    assert [*tmp_path.rglob("*")] == [kept.parent, kept]
    assert kept.read_text() == "kept"


def test_a_power_failure_finds_the_file_on_the_disk_before_its_name(tmp_path, monkeypatch):
    order = []

    def noting(name, call):
        def run(*arguments):
            order.append(name)
            return call(*arguments)

        return run

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, noting(name, getattr(os, name)))
    with atomic_write(tmp_path / "a.txt") as file:
        file.write("a")
    assert order == ["fsync", "replace", "fsync"]
