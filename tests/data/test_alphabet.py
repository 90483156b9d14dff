import pytest
import spacy

from spacy_absa.data.alphabet import (
    build_alphabet,
    count_characters,
    coverage,
    read_alphabet,
    write_alphabet,
)
from spacy_absa.errors import InputError


def test_characters_by_falling_count_then_code_point():
    counts = count_characters(["车车Ｂ好", "b车\n\ud800\ud800", "好a a"])
    # 车 3; a, b and 好 2; blank 1; line feed and surrogates do not count as characters to know
    assert build_alphabet(counts) == "车ab好 "
    assert build_alphabet(counts, min_count=2) == "车ab好"
    assert coverage("车ab好", counts) == 9 / 13
    assert coverage("", count_characters([])) == 0


def test_the_file_is_read_back(tmp_path):
    path = tmp_path / "alphabet.json"
    write_alphabet(path, '的"车\\', min_count=2)
    assert read_alphabet(path) == '的"车\\'
    loader = spacy.registry.misc.get("spacy_absa.Alphabet.v1")(path)
    assert loader() == '的"车\\'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        ('{"alphabet": "ab"', "not JSON"),
        ('["a"]', "no string"),
        ('{"alphabet": ""}', "no string"),
        ('{"alphabet": ["a"]}', "no string"),
        ('{"alphabet": "aba"}', "no string of distinct"),
        ('{"alphabet": "a\\ud800"}', "no string of distinct"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("9" * 5000, "cannot be read as JSON"),
    ],
)
def test_bad_files(tmp_path, content, message):
    path = tmp_path / "alphabet.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_alphabet(path)
