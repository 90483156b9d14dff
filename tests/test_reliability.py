"""Short versions of the long runs in reliability/."""

import os
import subprocess
from random import Random

import pytest
import spacy

from reliability.calls import DEMO, TINY, checkpoint
from reliability.disks import fill, mounted
from reliability.kills import kill_saves
from reliability.wild import check, wild_text
from spacy_absa.cli._util import load_pipeline


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writer is forked")
def test_a_kill_while_saving_leaves_one_state_or_the_other(tmp_path):
    outcomes = kill_saves(tmp_path, 3, Random(0))
    assert outcomes["files: whole"] == 6
    assert sum(n for name, n in outcomes.items() if name.startswith("to_disk")) == 3


@pytest.mark.parametrize("name", ["vocab/vectors", "vocab/strings.json", "config.cfg", "meta.json"])
def test_a_checkpoint_killed_when_a_file_was_only_opened_is_refused_by_spacy(tmp_path, name):
    spacy.load(TINY).to_disk(tmp_path)
    (tmp_path / name).write_bytes(b"")
    assert checkpoint(tmp_path, set()) == "half-written checkpoint refused by spaCy"


@pytest.mark.parametrize("seed", range(3))
def test_a_text_of_all_that_unicode_has(seed):
    nlp = load_pipeline(str(TINY), None, -1)
    text = wild_text(3000, Random(seed))
    assert len(text) == 3000
    check(nlp, text)


@pytest.fixture
def disk(tmp_path):
    """Where a disk can be mounted."""
    path = tmp_path / "disk"
    path.mkdir()
    try:
        with mounted(path):
            pass
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs Linux and the superuser, to mount a disk: {error}")
    return path


def test_a_full_disk_and_a_read_only_one(disk):
    labels = ["--labels", str(DEMO / "Label.csv")]
    convert = ["absa", "convert", str(DEMO / "Train.csv"), "disk/train.spacy", *labels]
    outcomes = fill(convert, disk.parent, 1, Random(0))
    assert outcomes["gone on with room enough, equal to the byte"] == 1
    assert outcomes["read-only: refused"] == 1
