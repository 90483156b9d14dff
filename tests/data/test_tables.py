import pytest

from spacy_absa.data.tables import read_table, scan_table
from spacy_absa.data.text import BadRow
from spacy_absa.errors import InputError


def rows(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode())
    return list(read_table(path))


def test_tabs_are_told_by_the_header_and_quotes_mean_nothing(tmp_path):
    table = rows(tmp_path, 'id\ttext\r\n1\t"q\r\n\r\n2\tx,y\n')
    assert table == [(1, ["id", "text"]), (2, ["1", '"q']), (4, ["2", "x,y"])]


def test_only_line_feeds_end_tab_separated_rows(tmp_path):
    odd = "a\u2028b\x0bc\x85d\re\x1cf"
    assert rows(tmp_path, f"id\ttext\n1\t{odd}\n")[1] == (2, ["1", odd])


def test_a_tsv_may_have_one_column(tmp_path):
    assert rows(tmp_path, 'text\n"a,b\n', "table.tsv") == [(1, ["text"]), (2, ['"a,b'])]


def test_commas_semicolons_and_quotes(tmp_path):
    assert rows(tmp_path, 'a,b\n"x, ""y""\nz",1\n') == [(1, ["a", "b"]), (2, ['x, "y"\nz', "1"])]
    assert rows(tmp_path, "a;b\nx,y;1\n")[1] == (2, ["x,y", "1"])


def test_a_field_may_be_long(tmp_path):
    assert rows(tmp_path, "a,b\n" + "长" * 200_000 + ",1\n")[1][1][0] == "长" * 200_000


@pytest.mark.parametrize("suffix", [".xlsx", ".xls"])
def test_spreadsheets(tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    if suffix == ".xlsx":
        book = pytest.importorskip("openpyxl").Workbook()
        sheet = book.active
        write = lambda row, column, value: sheet.cell(row + 1, column + 1, value)  # noqa: E731
    else:
        book = pytest.importorskip("xlwt").Workbook()
        write = book.add_sheet("first").write
    for row, values in enumerate([("id", "内容"), (1, "本田"), None, (2, "丰田，不好")]):
        for column, value in enumerate(values or ()):
            write(row, column, value)
    book.save(path)
    table = list(read_table(path))
    assert [(line, row[1]) for line, row in table] == [(1, "内容"), (2, "本田"), (4, "丰田，不好")]


def test_a_file_that_is_no_spreadsheet(tmp_path):
    with pytest.raises(InputError, match=r"table\.xlsx: cannot be read as a spreadsheet"):
        rows(tmp_path, "id,text\n", "table.xlsx")
    with pytest.raises(InputError, match=r"gone\.xls"):
        list(read_table(tmp_path / "gone.xls"))


def test_spreadsheets_need_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(InputError, match=r"spacy-absa\[excel\]"):
        rows(tmp_path, "", "table.xlsx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("a\tb\n1\n", "line 2: 1 columns where the header has 2"),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 columns"),
        ('a,b\n1,"open\n2,x\n', "line 2: not valid CSV"),
    ],
)
def test_malformed_tables(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        rows(tmp_path, content)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_scan_goes_on_behind_bad_rows(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr("spacy_absa.data.text.MAX_LINE", 10)
    path = tmp_path / f"table{suffix}"
    lines = ["a,b", "1,2", "1", "1,long long long", "3,4"]
    path.write_text("\n".join(lines).replace(",", "," if suffix == ".csv" else "\t"))
    table = list(scan_table(path))
    assert [row for row in table if not isinstance(row, BadRow)] == [
        (1, ["a", "b"]),
        (2, ["1", "2"]),
        (5, ["3", "4"]),
    ]
    assert [row.line for row in table if isinstance(row, BadRow)] == [3, 4]


def test_a_scan_goes_on_behind_bad_quotes(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('a,b\n"1"x,2\n3,4\n"open,5\n')
    kinds = [(row.line if isinstance(row, BadRow) else row[1]) for row in scan_table(path)]
    assert kinds == [["a", "b"], 2, ["3", "4"], 4]


def test_an_open_quote_costs_one_line(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('a,b\n1,"open\n2,x\n3,"two\nlines"\n"open,4\n5,y\n')
    assert list(scan_table(path)) == [
        (1, ["a", "b"]),
        BadRow(2, "not valid CSV (',' expected after '\"'): mend the quotes there"),
        (3, ["2", "x"]),
        (4, ["3", "two\nlines"]),
        BadRow(6, "not valid CSV (unexpected end of data): mend the quotes there"),
        (7, ["5", "y"]),
    ]


def test_a_file_of_open_quotes_is_read_in_linear_time(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.tables._PATIENCE", 10)
    path = tmp_path / "table.csv"
    path.write_text('a,b\n1,"open\n2,x\n3,y\n')
    (bad,) = list(scan_table(path))[1:]
    assert bad.line == 2
    assert "2 lines behind it are lost with it" in bad.reason


def test_a_row_of_many_lines_is_not_held(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.tables.MAX_LINE", 100)
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1," + '"\n",' * 100 + '"\n"\n')
    bad = next(row for row in scan_table(path) if isinstance(row, BadRow))
    assert bad.line == 2
    assert "longer than" in bad.reason
