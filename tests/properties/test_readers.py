"""Every reader, on files of any content: all of it comes out, or one InputError that names it."""

import codecs
import csv
import gzip
import io
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_absa.data import alphabet, contest, jsonl, rows, tables, text, texts
from spacy_absa.data.text import BadRow
from spacy_absa.lexicon import Lexicon

from .. import strategies as s

LINES = st.lists(s.json_lines, max_size=6).map("\n".join)
FIELDS = st.lists(st.lists(s.texts, min_size=2, max_size=2), min_size=1, max_size=6)


def to_csv(table, **dialect):
    file = io.StringIO()
    csv.writer(file, lineterminator="\n", **dialect).writerows(table)
    return file.getvalue()


def content_of(path):
    with text.open_text(path) as file:
        return file.read()


def content_of_any(path):
    with text.open_text(path, tolerant=True) as file:
        return file.read()


def rows_of(path):
    return rows.read_rows(path, rows.text_column(path), 50)


@given(s.contents())
def test_text(read, data):
    strict, tolerant = read("a.txt", data, content_of), read("a.txt", data, content_of_any)
    assert strict is None or strict == tolerant
    if strict is None and tolerant is not None:
        assert text.find_surrogate(tolerant) is not None


@given(s.archives(s.contents()))
def test_archives(read, data):
    for reader in (content_of, content_of_any, texts.read_texts):
        read("a.txt.gz", data, reader)


@given(s.texts, s.encodings)
def test_text_is_read_as_it_was_written(read, content, encoding):
    data = content.encode(encoding)
    found = read("a.txt", data, content_of)
    if encoding == "gb18030":
        # What happens to be UTF-8 is taken for it, and what is nearly UTF-8 for damaged.
        assert found in (content, None) or found.encode() == data
    elif "\0" in content and not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16)):
        assert found is None
    elif content or encoding != "utf-8":
        assert found in (content, content.removeprefix("\ufeff"))


@given(s.texts, st.integers(2, 20))
def test_lines_are_whole_or_told_to_be_too_long(content, limit):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "MAX_LINE", limit)
        found = list(text.read_lines(io.StringIO(content, newline="\n")))
    expected = io.StringIO(content, newline="\n").readlines()
    assert len(found) == len(expected)
    for line, whole in zip(found, expected, strict=True):
        assert line == whole if line is not None else len(whole) >= limit


@given(s.contents(), st.sampled_from(["a.csv", "a.tsv"]))
def test_tables(read, data, name):
    strict = read(name, data, tables.read_table)
    tolerant = read(name, data, lambda path: tables.scan_table(path, tolerant=True))
    if strict is not None:
        assert strict == tolerant
        assert len({len(fields) for _, fields in strict}) == 1
    elif tolerant is not None:
        numbers = [row[0] for row in tolerant]
        assert numbers == sorted(numbers)


@given(FIELDS, st.sampled_from([",", ";"]), s.encodings)
def test_tables_are_read_as_they_were_written(read, table, delimiter, encoding):
    table = [["text", "b"], *table]
    data = to_csv(table, delimiter=delimiter, quoting=csv.QUOTE_ALL).encode(encoding)
    found = read("a.csv", data, tables.read_table)
    if found is None:
        assert encoding == "gb18030" or b"\0" in data
    elif encoding != "gb18030":
        assert [fields for _, fields in found] == table


@given(FIELDS, st.integers(0, 5))
def test_an_open_quote_costs_no_row_but_its_own(read, table, place):
    # What looks like the end of the open field, a quote before a line end, would be taken for it.
    good = [[f"x{a}".replace("\0", ""), "1"] for a, _ in table]
    lines = [to_csv([row], quoting=csv.QUOTE_ALL) for row in good]
    lines.insert(place, 'never closed,"\n')
    data = ("text,b\n" + "".join(lines)).encode()
    found = read("a.csv", data, lambda path: tables.scan_table(path, tolerant=True))
    kept = [fields for _, fields in (row for row in found[1:] if not isinstance(row, BadRow))]
    assert [row for row in good if row not in kept] == []


@given(s.contents(LINES))
def test_json_lines(read, data):
    objects = read("a.jsonl", data, jsonl.scan_objects)
    records = read("a.jsonl", data, jsonl.read_records)
    if records is not None:
        assert [record.fields for record in records] == [fields for _, fields in objects]
    for _, spans in read("a.jsonl", data, jsonl.read_annotated) or ():
        assert all(span.start < span.end for span in spans)


@given(st.lists(st.dictionaries(s.texts, s.json_values(s.texts), max_size=3), max_size=5), s.texts)
def test_json_lines_are_read_as_they_were_written(read, objects, content):
    for fields in objects:
        fields["text"] = content
    data = "\n".join(map(json.dumps, objects)).encode()
    found = read("a.jsonl", data, jsonl.read_records)
    assert [json.dumps(record.fields) for record in found] == [*map(json.dumps, objects)]


@given(
    s.contents() | s.contents(LINES), st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.jsonl.gz"])
)
def test_rows_are_usable_or_told_why_not(read, data, name):
    if name.endswith(".gz"):
        data = gzip.compress(data, 1)
    for row in read(name, data, rows_of) or ():
        if isinstance(row, BadRow):
            assert row.reason
            assert text.find_surrogate(row.reason) is None
        else:
            assert row.text.strip()
            assert len(row.text) <= 50
            json.dumps(row.fields, ensure_ascii=False).encode()


@given(s.contents() | s.contents(LINES), st.sampled_from(["a.txt", "a.csv", "a.tsv", "a.jsonl"]))
def test_texts(read, data, name):
    for found in read(name, data, texts.read_texts) or ():
        texts.stable_hash(found)


@given(s.contents())
def test_contest_files(read, data):
    sentences = read("a.csv", b"SentenceId\tContent\n" + data, contest.read_sentences)
    labels = read("b.csv", b"SentenceId,View,Opinion\n" + data, contest.read_labels)
    assert sentences != {}
    assert set((labels or {}).values()) <= set(contest.LABELS)


@given(s.texts, st.dictionaries(s.texts.filter(str.strip), st.sampled_from("ab"), max_size=4))
def test_contest_labels_get_places_or_reasons(content, views):
    spans, not_found = contest.locate(content, views)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert all(0 <= span.start < span.end <= len(content) for span in spans)
    assert len({miss.view for miss in not_found}) == len(not_found)
    for view in views.keys() - {miss.view for miss in not_found}:
        assert any(len(view) == span.end - span.start for span in spans)


@given(st.lists(st.tuples(s.texts, s.texts, st.sampled_from(["pos", "neg"])), max_size=5))
def test_a_contest_answer_is_read_back(scratch, answer):
    rows = {(a, b): contest.Row(a, b, c) for a, b, c in answer if b.strip() and "\0" not in a + b}
    contest.write_answer(scratch / "answer.csv", rows.values())
    labels = contest.read_labels(scratch / "answer.csv")
    assert labels == {key: row.opinion for key, row in rows.items()}


@given(
    s.contents(LINES)
    | s.contents(s.json_values(s.strings).map(lambda x: json.dumps({"alphabet": x})))
)
def test_alphabets(read, data):
    found = read("a.json", data, alphabet.read_alphabet)
    assert found is None or len(set(found)) == len(found) > 0


@given(
    s.contents()
    | s.contents(
        st.lists(
            st.dictionaries(st.sampled_from(["pattern", "id", "label"]), s.json_values(s.strings))
        ).map(lambda entries: "\n".join(map(json.dumps, entries)))
    ),
    st.sampled_from(["a.txt", "a.csv", "a.jsonl", "a.jsonl.gz"]),
)
def test_lexicons(read, data, name):
    if name.endswith(".gz"):
        data = gzip.compress(data, 1)
    if name == "a.csv":
        data = b"ViewId\tView\n" + data
    for lexicon in read(name, data, lambda path: [Lexicon.from_file(path)]) or ():
        assert Lexicon.from_bytes(lexicon.to_bytes()) == lexicon
        for entry in lexicon.entries:
            assert (0, len(entry.pattern), entry.id) in lexicon.find(entry.pattern)


@given(s.texts, st.integers(1, 30))
def test_windows_are_the_text(content, limit):
    pieces = list(texts.windows(content, limit))
    assert "".join(pieces) == content
    assert all(0 < len(piece) <= limit for piece in pieces)
