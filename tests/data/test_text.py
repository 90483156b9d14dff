import gzip
import os
from random import Random

import pytest

from spacy_absa.data.files import atomic_write
from spacy_absa.data.text import find_surrogate, open_text, read_lines
from spacy_absa.errors import InputError

TEXT = "我喜欢本田，\r\n我不喜欢丰田😀。\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"],
)
@pytest.mark.parametrize("suffix", [".txt", ".txt.gz"])
def test_encodings_are_told_apart(tmp_path, encoding, suffix):
    mark = "\ufeff" if encoding.endswith(("le", "be")) else ""
    data = (mark + TEXT).encode(encoding)
    path = tmp_path / f"text{suffix}"
    path.write_bytes(gzip.compress(data) if suffix.endswith(".gz") else data)
    with open_text(path) as file:
        assert file.read() == TEXT


def test_gbk_is_told_from_utf8_by_single_sentences(tmp_path):
    # 联通 in GBK looks like UTF-8 to careless detectors: C1 AA CD A8.
    for sentence in ("联通", "奥迪比宝马便宜", "途安L真不错"):
        path = tmp_path / "text.txt"
        path.write_bytes(sentence.encode("gbk"))
        with open_text(path) as file:
            assert file.read() == sentence


def test_encoding_is_told_beyond_the_first_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.text._CHUNK", 7)  # cuts characters in two
    path = tmp_path / "text.txt"
    for encoding in ("utf-8", "gb18030"):
        path.write_bytes((" " * 100 + TEXT * 20).encode(encoding))
        with open_text(path) as file:
            assert file.read() == " " * 100 + TEXT * 20


@pytest.mark.parametrize("chunk", [5, 1 << 20])
def test_invalid_bytes_are_located(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr("spacy_absa.data.text._CHUNK", chunk)
    path = tmp_path / "text.txt"
    path.write_bytes("本田很好\n丰田".encode() + b"\xff\xff")
    with pytest.raises(InputError, match=r"text\.txt, line 2 \(byte 19\): not valid UTF-8 or"):
        open_text(path)


def test_damaged_utf8_is_not_taken_for_gb18030(tmp_path):
    # Cut within its last character, this is valid GB18030 (and nonsense).
    damaged = ("我" * 13).encode()[:-1]
    assert damaged.decode("gb18030")
    path = tmp_path / "text.txt"
    path.write_bytes(damaged)
    with pytest.raises(InputError, match=r"line 1 \(byte 36\)"):
        open_text(path)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_invalid_bytes_may_be_tolerated(tmp_path, encoding):
    path = tmp_path / "text.txt"
    path.write_bytes((TEXT * 3).encode(encoding) + b"\xff\n" + TEXT.encode(encoding))
    with open_text(path, tolerant=True) as file:
        content = file.read()
    assert content == TEXT * 3 + "\udcff\n" + TEXT
    assert find_surrogate(content) == len(TEXT * 3)
    assert find_surrogate(TEXT) is None


def test_no_long_line_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.text.MAX_LINE", 4)
    path = tmp_path / "text.txt"
    path.write_bytes(b"abc\nabcd\nabcdefghij\r\n\nabcdefgh")
    with open_text(path) as file:
        assert list(read_lines(file)) == ["abc\n", None, None, "\n", None]


def test_a_carriage_return_at_the_limit_ends_no_line(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.text.MAX_LINE", 3)
    path = tmp_path / "text.txt"
    path.write_bytes(b"ab\rcd\na\n")
    with open_text(path, newline="\n") as file:
        assert list(read_lines(file)) == [None, "a\n"]


def test_unpaired_surrogate_in_utf16_is_an_error(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xff\xfe" + "a\n".encode("utf-16-le") + b"\x00\xd8\x41\x00")
    with pytest.raises(InputError, match=r"line 2 .*not valid UTF-16"):
        open_text(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("binary.txt", b"PK\x03\x04\x00\x00", "NUL"),
        ("bad.txt.gz", b"no gzip", "gzip"),
        ("cut.txt.gz", gzip.compress(b"text" * 1000)[:-9], "gzip"),
        ("garbled.txt.gz", gzip.compress(b"text")[:10] + b"\xff" * 20, "gzip"),
    ],
)
def test_files_that_are_no_text(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        open_text(tmp_path / name)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"gone\.txt: cannot be read: No such file"):
        open_text(tmp_path / "gone.txt")
    with pytest.raises(InputError, match="directory"):
        open_text(tmp_path)


def test_empty_file_is_empty_text(tmp_path):
    (tmp_path / "text.txt").touch()
    with open_text(tmp_path / "text.txt") as file:
        assert file.read() == ""


def test_atomic_write_replaces_on_success(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    with atomic_write(path) as file:
        file.write(TEXT)
        assert not path.exists()
    assert path.read_bytes() == TEXT.encode()
    with atomic_write(path, "wb") as file:
        file.write(b"\xff")
    assert path.read_bytes() == b"\xff"
    assert os.listdir(path.parent) == ["file.txt"]


def test_atomic_write_leaves_nothing_on_failure(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as file:
        file.write("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_atomic_write_refuses_impossible_places(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "below"):
        with pytest.raises(InputError, match=str(path)), atomic_write(path):
            pass


def test_a_gzip_bomb_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.text.MUCH", 1 << 18)
    path = tmp_path / "bomb.txt.gz"
    path.write_bytes(gzip.compress(b"a\n" * (1 << 20)))
    with pytest.raises(InputError, match=r"more than 200 times its size.* SPACY_ABSA_MAX_RATIO"):
        open_text(path)
    monkeypatch.setenv("SPACY_ABSA_MAX_RATIO", "2000")
    with open_text(path) as file:
        assert sum(1 for _ in file) == 1 << 20


def test_an_archive_may_be_damaged_behind_an_invalid_byte(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.text._CHUNK", 1 << 10)
    # The search for the encoding ends at the byte, and so before the damage.
    noise = bytes(Random(0).choices(range(1, 256), k=1 << 16))
    archive = gzip.compress(("我" * 12).encode() + b"\xff\n" + noise)
    path = tmp_path / "text.txt.gz"
    path.write_bytes(archive[:-9])
    with (
        open_text(path, tolerant=True) as file,
        pytest.raises(InputError, match="gzip"),
    ):
        file.read()
