"""Hypothesis strategies: texts that trouble software, files that hold them, and damaged files."""

import codecs
import gzip
import json

from hypothesis import strategies as st

NAMES = ["本田", "丰田", "宝马", "Q7", "宝马X5", "ｍｇ"]
# What Unicode has in store: controls, separators, marks, direction, joiners, emoji, width, case.
PIECES = [
    *NAMES,
    "我喜欢",
    "不好。",
    *"\x00\x07\x1b\x1c\x7f\x85\t\n\r\v\f",
    *"\u00a0\u200b\u2028\u2029\u3000\ufeff",
    *"\u200e\u202e\u2066\u2069",
    "e\u0301\u0323",
    "\u0301" * 20,
    "👨\u200d👩\u200d👧",
    "👍🏽",
    "🇨🇳🇩",
    "❤\ufe0f",
    "\U0010ffff",
    "\ufffe",
    "İßǅﬁ㎏",
    "𠀀𪚥",
    "ｗＷ１",
    "q7",
    " ",
    "  ",
]
_SURROGATES = ["\ud800", "\udfff", "\ud83d", "\udcff"]

# Texts that UTF-8 can hold, up to some 100 characters.
texts = st.lists(
    st.sampled_from(PIECES) | st.text(st.characters(codec="utf-8"), max_size=8), max_size=12
).map("".join)
# Any Python string.
strings = st.lists(texts | st.sampled_from(_SURROGATES), max_size=3).map("".join)
# A field of a file in lines.
one_line = texts.map(lambda text: text.translate(dict.fromkeys(map(ord, "\t\r\n\x00"), "-")))

encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"])


def json_values(strings: st.SearchStrategy[str]) -> st.SearchStrategy:
    """Values of JSON, with such strings in them."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | strings,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
        max_leaves=6,
    )


json_lines = (
    json_values(strings).map(json.dumps)
    | texts
    | st.dictionaries(st.sampled_from(["text", "spans", "id"]), json_values(strings)).map(
        json.dumps
    )
    | st.tuples(texts, st.lists(st.lists(st.integers(-1, 9) | one_line, max_size=3))).map(
        lambda pair: json.dumps({"text": pair[0], "spans": pair[1]})
    )
    | st.sampled_from(["[" * 5000, "9" * 5000, '{"text": NaN}', "{", '{"text": "a", "text": 1}'])
)

# Characters that mean something in some format, so that a file of them goes deep into its reader.
_MARKUP = st.lists(
    st.sampled_from([*'",;\t\n\r#{}[]:', '""', "\r\n", "text", "pattern", "SentenceId", "pos"])
    | one_line,
    max_size=30,
).map("".join)


@st.composite
def contents(draw: st.DrawFn, content: st.SearchStrategy[str] = _MARKUP) -> bytes:
    """A text file: some content in some encoding, whole, damaged, or noise from the start."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    mark = draw(st.sampled_from([b"", b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE]))
    return mark + draw(damaged(draw(content).encode(draw(encodings))))


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """The bytes as they are, cut short, or with some of them overwritten, inserted or repeated."""
    place = st.integers(0, len(data))
    return st.one_of(
        st.just(data),
        place.map(lambda end: data[:end]),
        st.tuples(place, st.binary(max_size=8)).map(
            lambda change: data[: change[0]] + change[1] + data[change[0] + len(change[1]) :]
        ),
        st.tuples(place, st.binary(max_size=8)).map(
            lambda change: data[: change[0]] + change[1] + data[change[0] :]
        ),
        st.tuples(place, place).map(lambda cut: data[: cut[0]] + data[cut[1] :]),
    )


def archives(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Gzip archives of some content, some of them damaged."""
    return content.map(lambda data: gzip.compress(data, 1, mtime=0)).flatmap(damaged)
