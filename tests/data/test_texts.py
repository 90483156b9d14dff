import errno
import gzip
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_absa.data.texts import list_files, read_texts, stable_hash, unique, windows
from spacy_absa.errors import InputError

TEXTS = ["本田很好。", "", '丰田"不好"']
CONTENTS = {
    "a.txt": '本田很好。\r\n\r\n丰田"不好"\r\n',
    "a.csv": 'cat,review\nx,本田很好。\nx,\nx,"丰田""不好"""\n',
    "a.tsv": 'id\t内容\n1\t本田很好。\n2\t\n3\t丰田"不好"\n',
    "a.jsonl": '{"text": "本田很好。"}\n{"text": ""}\n{"text": "丰田\\"不好\\""}\n',
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_formats_and_encodings(tmp_path, name, encoding):
    data = CONTENTS[name].encode(encoding)
    (tmp_path / name).write_bytes(data)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(data))
    assert list(read_texts(tmp_path / name)) == TEXTS
    assert list(read_texts(tmp_path / f"{name}.gz")) == TEXTS


def test_folder_and_glob(tmp_path):
    for name in ("b/two.txt", "a.txt", "b/one.txt", "b/.hidden"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name}\n")
    assert list(read_texts(tmp_path)) == ["a.txt", "b/one.txt", "b/two.txt"]
    assert list(read_texts(tmp_path / "b" / "o*.txt")) == ["b/one.txt"]
    assert list(read_texts(tmp_path / "**" / "*.txt")) == ["a.txt", "b/one.txt", "b/two.txt"]
    assert list(read_texts(tmp_path / "**")) == ["a.txt", "b/one.txt", "b/two.txt"]


@pytest.mark.skipif(os.name == "nt", reason="has other links and pipes")
def test_folders_that_a_glob_matches_and_links(tmp_path):
    for name in ("in/a.txt", "in/sub/b.txt", "in/.git/c.txt", "elsewhere/d.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f"{path.name}\n")
    (tmp_path / "in/sub/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/sub/round").symlink_to(tmp_path / "in")
    found = ["a.txt", "b.txt", "d.txt"]
    assert list(read_texts(tmp_path / "in")) == found
    assert list(read_texts(tmp_path / "in" / "*")) == found
    os.mkfifo(tmp_path / "in/pipe.txt")
    for number in range(5):
        (tmp_path / f"in/{number}.txt").symlink_to(tmp_path / "in/a.txt")
    assert [file.name for file in list_files(tmp_path / "in")] == ["0.txt", "b.txt", "d.txt"]
    (tmp_path / "in/gone.txt").symlink_to(tmp_path / "in/gone.txt")
    with pytest.raises(InputError, match=r"gone\.txt: cannot be read"):
        list(read_texts(tmp_path / "in"))


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    scandir = os.scandir

    def refuse(path):  # root may read everything
        if os.fspath(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (tmp_path / "closed").mkdir()
    with pytest.raises(InputError, match="closed: cannot be read"):
        list(read_texts(tmp_path))


def test_a_file_may_be_named_like_a_glob(tmp_path):
    (tmp_path / "[1].txt").write_text("one\n")
    assert list(read_texts(tmp_path / "[1].txt")) == ["one"]


def test_the_text_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("short,long\na,bbbb\nc,\n")
    assert list(read_texts(path)) == ["bbbb", ""]
    assert list(read_texts(path, "short")) == ["a", "c"]
    with pytest.raises(InputError, match="no column 'text': the columns are short, long"):
        list(read_texts(path, "text"))


@pytest.mark.parametrize("name", ["a.doc", "a", "a.xlsx.gz", ".txt"])
def test_unknown_formats(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(InputError, match="cannot tell the format"):
        list(read_texts(tmp_path / name))


def test_nothing_there(tmp_path):
    for path in (tmp_path, tmp_path / "*.txt", tmp_path / "gone.txt"):
        with pytest.raises(InputError, match=r"no files there|cannot be read"):
            list(read_texts(path))


def test_windows_end_after_sentences():
    assert list(windows("一二三。五六七。九", 8)) == ["一二三。五六七。", "九"]
    assert list(windows("一二。四五六七八九", 6)) == ["一二。四五六", "七八九"]  # in the first half
    assert list(windows("一二三四。六七八九", 8)) == ["一二三四。", "六七八九"]
    assert list(windows("一二三四五", 2)) == ["一二", "三四", "五"]
    assert list(windows("一二", 2)) == ["一二"]
    assert list(windows("一二。四", 4)) == ["一二。四"]
    assert list(windows("", 2)) == []
    with pytest.raises(InputError, match="max_length is 0: give 1 or more"):
        list(windows("一二", 0))


@given(st.text(alphabet="a。！\n", max_size=60), st.integers(1, 10))
def test_windows_join_to_the_text(text, max_length):
    pieces = list(windows(text, max_length))
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= max_length for piece in pieces)


def test_unique_keeps_the_first():
    assert list(unique(["b", "a", "b", "", "a", ""])) == ["b", "a", ""]


def test_stable_hash_is_stable():
    assert stable_hash("本田") == 0xABB35BC3FCA8A321


def test_no_long_line_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.text.MAX_LINE", 10)
    (tmp_path / "a.txt").write_text("short\n" + "long" * 5 + "\n")
    with pytest.raises(InputError, match=r"a\.txt, line 2: longer than"):
        list(read_texts(tmp_path / "a.txt"))
