import datetime
import io
import json
from decimal import Decimal

from spacy_absa.bulk.formats import write_rows
from spacy_absa.data.jsonl import to_json


def test_what_json_does_not_know():
    row = {
        "day": datetime.datetime(2016, 12, 1, 8),
        "price": Decimal("1.50"),
        "raw": b"\xff",
        "nan": float("nan"),
        "deep": [{"a": float("-inf")}, (1.5, "好")],
    }
    assert json.loads(to_json(row)) == {
        "day": "2016-12-01T08:00:00",
        "price": "1.50",
        "raw": "/w==",
        "nan": None,
        "deep": [{"a": None}, [1.5, "好"]],
    }


def test_only_line_feeds_end_lines():
    file = io.BytesIO()
    write_rows(file, [{"text": "好\u2028\n"}, {}], None)
    assert file.getvalue() == '{"text": "好\u2028\\n"}\n{}\n'.encode()
