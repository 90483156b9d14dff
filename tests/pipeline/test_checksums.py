import random
import shutil
import subprocess

import pytest
import spacy

from spacy_absa.errors import InputError
from spacy_absa.lexicon import Lexicon, LexiconEntry
from spacy_absa.pipeline.checksums import CHECKSUMS

FILES = ["cfg", "lexicon", "model"]


@pytest.fixture
def saved(with_config, tmp_path):
    """A saved pipeline, and the folder of its component."""
    nlp = with_config()
    nlp.get_pipe("absa_gru").set_lexicon(Lexicon([LexiconEntry("宝马", "bmw")]))
    nlp.to_disk(tmp_path / "saved")
    return tmp_path / "saved", tmp_path / "saved/absa_gru"


@pytest.mark.parametrize("name", [*FILES, CHECKSUMS])
def test_a_damaged_file_is_refused_and_named(saved, name):
    pipeline, folder = saved
    whole = (folder / name).read_bytes()
    rng = random.Random(0)
    for _ in range(10):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        for damaged in (bytes(flipped), whole[: rng.randrange(1, len(whole) - 1)]):
            (folder / name).write_bytes(damaged)
            with pytest.raises(InputError, match="absa_gru") as refusal:
                spacy.load(pipeline)
            assert name == CHECKSUMS or str(folder / name) in str(refusal.value)
    (folder / name).write_bytes(whole)
    spacy.load(pipeline)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(saved, name):
    pipeline, folder = saved
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: is missing"):
        spacy.load(pipeline)


def test_a_save_that_was_broken_off_is_told(saved, with_config, monkeypatch):
    pipeline, _ = saved
    nlp = with_config()
    monkeypatch.setattr(type(nlp.get_pipe("absa_gru").lexicon), "to_bytes", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        nlp.to_disk(pipeline)
    with pytest.raises(InputError, match="absa_gru: was not saved to the end"):
        spacy.load(pipeline)


def test_a_pipeline_without_checksums_loads(saved):
    pipeline, folder = saved
    (folder / CHECKSUMS).unlink()
    assert spacy.load(pipeline)("丰田不错").ents


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no command sha256sum")
def test_the_checksums_are_those_of_sha256sum(saved):
    _, folder = saved
    result = subprocess.run(["sha256sum", "-c", CHECKSUMS], cwd=folder, capture_output=True)
    assert result.stdout.decode() == "".join(f"{name}: OK\n" for name in FILES)


def test_a_list_that_lost_a_line_is_refused(saved):
    pipeline, folder = saved
    lines = (folder / CHECKSUMS).read_text().splitlines(keepends=True)
    (folder / CHECKSUMS).write_text("".join(lines[:-1]))
    with pytest.raises(InputError, match="model: is not in SHA256SUMS"):
        spacy.load(pipeline)
    (folder / CHECKSUMS).write_text("".join(lines))
    (folder / ".DS_Store").touch()
    spacy.load(pipeline)


def test_line_ends_that_git_has_changed_are_no_damage(saved):
    pipeline, folder = saved
    for name in ("cfg", "lexicon", CHECKSUMS):
        content = (folder / name).read_bytes()
        assert b"\n" in content
        (folder / name).write_bytes(content.replace(b"\n", b"\r\n"))
    nlp = spacy.load(pipeline)
    assert nlp("丰田不错").ents
    assert [entry.pattern for entry in nlp.get_pipe("absa_gru").lexicon.entries] == ["宝马"]
