import datetime

import pytest

from spacy_absa.data.parquet import (
    JsonColumns,
    output_schema,
    parquet_schema,
    require_pyarrow,
    scan_parquet,
    string_schema,
    write_parquet,
)
from spacy_absa.data.text import BadRow
from spacy_absa.errors import InputError

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def columns(*rows):
    found = JsonColumns()
    for row in rows:
        found.add(row)
    return found.schema()


def write(path, rows, schema):
    with open(path, "wb") as file:
        write_parquet(file, rows, schema)
    return list(scan_parquet(path))


def test_rows_come_out_as_they_went_in(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.parquet._BATCH", 2)
    day = datetime.date(2016, 12, 1)
    rows = [{"text": "好", "day": day, "tags": ["a"]}] * 4 + [
        {"text": None, "day": None, "tags": []}
    ]
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)
    assert list(scan_parquet(path)) == list(enumerate(rows, start=1))
    assert write(tmp_path / "b.parquet", rows, parquet_schema(path)) == list(scan_parquet(path))


def test_json_keys_get_one_type_each(tmp_path):
    rows = [
        {"str": "a", "int": 2**62, "float": 1, "bool": True, "mixed": 1, "list": [1], "null": None},
        {"str": None, "int": 1, "float": 0.5, "mixed": "a", "big": 2**63},
    ]
    schema = columns(*rows)
    types = {field.name: str(field.type) for field in schema}
    assert types.pop("int") == "int64"
    assert types.pop("float") == "double"
    assert types.pop("bool") == "bool"
    assert set(types.values()) == {"string"}
    (_, first), (_, second) = write(tmp_path / "a.parquet", rows, schema)
    assert (first["int"], first["float"], first["bool"]) == (2**62, 1.0, True)
    assert (first["mixed"], first["list"], first["null"]) == ("1", "[1]", None)
    assert (second["str"], second["mixed"], second["big"]) == (None, '"a"', str(2**63))


def test_files_share_a_schema_or_are_refused():
    csv, json = string_schema(["id", "text"]), columns({"text": "好", "stars": 5})
    schema = output_schema([json, csv], ["POS"])
    assert schema.names == ["text", "stars", "id", "absa"]
    with pytest.raises(InputError, match="cannot share one Parquet schema"):
        output_schema([csv, columns({"id": 1})], ["POS"])


def test_a_value_that_python_cannot_hold_costs_one_row(tmp_path):
    broken = pa.array([b"a", b"\xff", b"b"]).view(pa.string())
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": broken}), path)
    first, bad, last = scan_parquet(path)
    assert (first, last) == ((1, {"text": "a"}), (3, {"text": "b"}))
    assert isinstance(bad, BadRow)
    assert bad.line == 2


def test_times_in_nanoseconds_come_in_microseconds(tmp_path):
    path = tmp_path / "a.parquet"
    whole, finer = 1_462_104_000_000_001_000, 1_462_104_000_000_001_001
    times = pa.array([whole, finer, None], pa.timestamp("ns"))
    parquet.write_table(pa.table({"text": ["a", "b", "c"], "time": times}), path)
    first, bad, last = scan_parquet(path)
    time = datetime.datetime(2016, 5, 1, 12, 0, 0, 1)
    assert (first, last) == ((1, {"text": "a", "time": time}), (3, {"text": "c", "time": None}))
    assert isinstance(bad, BadRow)


def test_json_in_a_column_has_no_numbers_that_json_lacks(tmp_path):
    rows = [{"mixed": {"a": float("nan")}}, {"mixed": 1}]
    types = columns(*rows)
    with open(tmp_path / "a.parquet", "wb") as file:
        write_parquet(file, rows, types)
    assert [fields["mixed"] for _, fields in scan_parquet(tmp_path / "a.parquet")] == [
        '{"a": null}',
        "1",
    ]


def test_damaged_files(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"text": [f"text {i}" for i in range(5000)]})
    parquet.write_table(table, path, compression="gzip")
    data = bytearray(path.read_bytes())
    data[20:2000] = b"\0" * 1980
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.parquet: "):
        list(scan_parquet(path))
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        list(scan_parquet(tmp_path / "gone.parquet"))


def test_parquet_needs_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.extras.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"spacy-absa\[parquet\]"):
        require_pyarrow(tmp_path)


def test_a_day_beyond_the_calendar_costs_one_row(tmp_path):
    path = tmp_path / "a.parquet"
    days = pa.array([0, 2**31 - 1], pa.date32())
    parquet.write_table(pa.table({"text": ["a", "b"], "day": days}), path)
    good, bad = scan_parquet(path)
    assert good == (1, {"text": "a", "day": datetime.date(1970, 1, 1)})
    assert isinstance(bad, BadRow)


def test_columns_with_invalid_names_are_an_error(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": ["a"]}), path)
    path.write_bytes(path.read_bytes().replace(b"text", b"te\xfft"))
    with pytest.raises(InputError, match=r"a\.parquet: cannot be read as Parquet: .*decode"):
        parquet_schema(path)
