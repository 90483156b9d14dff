import zipfile

import pytest

from spacy_absa.data.spreadsheets import read_spreadsheet
from spacy_absa.errors import InputError

openpyxl = pytest.importorskip("openpyxl")


def test_a_stray_cell_at_the_end_of_the_sheet_is_an_error(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = "text"
    book.active["XFD1048576"] = " "
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(InputError, match=r"far\.xlsx: 1048576 rows by 16384 columns"):
        list(read_spreadsheet(tmp_path / "far.xlsx"))


def test_a_zip_bomb_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.text.MUCH", 1 << 10)
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (1 << 20))
    with pytest.raises(InputError, match=r"bomb\.xlsx: unfolds to more than 200 times"):
        list(read_spreadsheet(tmp_path / "bomb.xlsx"))


def test_an_archive_of_a_later_version_is_an_error(tmp_path):
    book = openpyxl.Workbook()
    book.save(tmp_path / "later.xlsx")
    data = bytearray((tmp_path / "later.xlsx").read_bytes())
    data[data.index(b"PK\x01\x02") + 6] = 148  # the version that is needed to extract the file
    (tmp_path / "later.xlsx").write_bytes(data)
    with pytest.raises(InputError, match=r"later\.xlsx: cannot be read .* version 14\.8"):
        list(read_spreadsheet(tmp_path / "later.xlsx"))


def test_whole_numbers_are_read_as_they_are_shown(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["SentenceId", "Rating", "Text"])
    book.active.append([7, 4.5, "喜欢本田"])
    book.save(tmp_path / "rated.xlsx")
    assert list(read_spreadsheet(tmp_path / "rated.xlsx"))[1] == (2, ["7", "4.5", "喜欢本田"])
