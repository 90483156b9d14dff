"""The lexicon: reading, folding, matching, saving."""

import gzip
import pickle
import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_absa.errors import InputError
from spacy_absa.folding import fold
from spacy_absa.lexicon import Lexicon, LexiconEntry, Match


def lexicon(*aliases):
    return Lexicon([LexiconEntry(alias, "") for alias in aliases])


def spans(entries, text):
    return [(match.start, match.end) for match in entries.find(text)]


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_finds_overlapping_and_nested_matches_by_start_longest_first():
    entries = lexicon("哈弗", "哈弗h6", "h6", "h6运动")
    assert entries.find("开哈弗H6运动") == [
        Match(1, 5, "哈弗h6"),
        Match(1, 3, "哈弗"),
        Match(3, 7, "h6运动"),
        Match(3, 5, "h6"),
    ]


def test_case_and_width_do_not_matter_and_offsets_are_those_of_the_text():
    entries = Lexicon([LexiconEntry("奥迪Q7", "audi-q7")])
    text = "奥迪Ｑ７、奥迪q7、奥迪Q7"
    assert entries.find(text) == [Match(s, s + 4, "audi-q7") for s in (0, 5, 10)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mg", [(0, 2)]),
        ("img", []),
        ("mgs", []),
        ("émg", []),
        ("ｉmg", []),
        ("名爵mg好", [(2, 4)]),
        ("3mg6", [(1, 3)]),
        ("mg-mg", [(0, 2), (3, 5)]),
        ("φmg", [(1, 3)]),
    ],
)
def test_a_match_does_not_cut_through_latin_letters(text, found):
    assert spans(lexicon("MG"), text) == found


def test_digits_protect_nothing():
    assert spans(lexicon("宝骏560"), "宝骏5602016款") == [(0, 5)]
    assert spans(lexicon("m6"), "am6m6") == [(3, 5)]  # at 1 the letters a and m are one word


def test_emoji_and_unpaired_surrogates():
    entries = lexicon("本田", "a\ufffd")
    assert spans(entries, "😀本田\ud83d本田") == [(1, 3), (4, 6)]
    assert spans(entries, "\udc00本田a\ud800") == [(1, 3), (3, 5)]


@pytest.mark.parametrize(
    ("alias", "text", "found"),
    [
        ("宝马X5", "开宝马 X5去", [(1, 6)]),
        ("宝马 X5", "开宝马X5去", [(1, 5)]),
        ("宝马X5", "宝\u3000马\xa0X 5", [(0, 7)]),
        ("宝马X5", "宝马  X5", []),
        ("宝马X5", "宝马\nX5", []),
        ("Land Rover", "landrover", []),
        ("iPad", "I pad", []),
        ("iPhone 7", "iphone7 iphone 7", [(0, 7), (8, 16)]),
        ("标致3008", "标致 300 8", []),
        (" 本田 ", "我 本田 好", [(2, 4)]),
    ],
)
def test_spaces_count_only_between_letters_or_digits_and_in_a_row(alias, text, found):
    assert spans(lexicon(alias), text) == found


def test_of_aliases_that_differ_in_spaces_the_one_as_written_is_found():
    entries = Lexicon([LexiconEntry("宝骏 310", "b-1"), LexiconEntry("宝骏310", "b-2")])
    assert entries.find("宝骏310、宝骏 310") == [Match(0, 5, "b-2"), Match(6, 12, "b-1")]


@given(st.lists(st.text("aB本田 7", min_size=1, max_size=3)), st.text("aAbB本田 7Ｂ", max_size=20))
def test_equals_search_of_every_alias_at_every_place(aliases, text):
    aliases = {fold(alias) for alias in aliases if alias.strip()}
    folded = fold(text)

    def splits_letters(i):
        return 0 < i < len(text) and re.fullmatch("[a-z]{2}", folded[i - 1 : i + 1])

    def without_spaces(name):
        kinds = r"(?<=[a-z]) (?=[^a-z ])|(?<=\d) (?=[^\d ])|(?<=[^a-z\d ]) (?=[^ ])"
        return re.sub(kinds, "", name)

    sought = {without_spaces(alias.strip()) for alias in aliases}
    expected = {
        (start, end)
        for start, end in combinations(range(len(text) + 1), 2)
        if without_spaces(folded[start:end]) in sought
        and not splits_letters(start)
        and not splits_letters(end)
    }
    assert spans(lexicon(*aliases), text) == sorted(expected, key=lambda s: (s[0], -s[1]))


@given(st.lists(st.text("aB本田", max_size=6), max_size=5))
def test_many_texts_at_once_are_as_each_alone(texts):
    entries = lexicon("本田", "田", "ab", "a", "田a")
    assert list(entries.find_all(texts)) == [entries.find(text) for text in texts]


def test_each_list_of_texts_is_answered_as_it_is_when_asked():
    entries, texts = lexicon("本田", "mg"), ["本田", "mg"]
    for _ in range(2):
        assert [len(those) for those in entries.find_all(texts)] == [1, 1]
    texts[0] = "丰田"
    assert [len(those) for those in entries.find_all(texts)] == [0, 1]
    assert [len(those) for those in entries.find_all(texts[1:])] == [1]


def test_matches_do_not_reach_from_text_to_text_and_words_end_with_their_text():
    found = lexicon("本田", "mg").find_all(["本", "田mg", "", "mg", "m", "g", "i", "mg好"])
    assert [[match[:2] for match in those] for those in found] == [
        [], [(1, 3)], [], [(0, 2)], [], [], [], [(0, 2)]
    ]  # fmt: skip


def test_characters_that_no_alias_holds_are_not_taken_for_each_other():
    assert spans(lexicon("a本b"), "a田b a本b a\ud800b a𝐀b") == [(4, 7)]


def test_spellings_of_one_alias_are_one_entry_with_the_first_id():
    entries = lexicon("polo", "POLO", "Ｐolo", "golf")
    assert entries.entries == (LexiconEntry("golf", "golf"), LexiconEntry("polo", "polo"))
    assert entries.find("POLO") == [Match(0, 4, "polo")]


def test_aliases_of_one_id():
    entries = Lexicon([LexiconEntry("本田", "honda"), LexiconEntry("Honda", "honda", "BRAND")])
    assert [match.id for match in entries.find("HONDA就是本田")] == ["honda", "honda"]


def test_an_empty_lexicon_finds_nothing():
    assert lexicon().find("本田") == []
    assert Lexicon.from_bytes(lexicon().to_bytes()) == lexicon()
    assert not lexicon()


def test_saved_lexicons_are_equal_whatever_the_order():
    given = [
        LexiconEntry("本田", "honda", "BRAND"),
        LexiconEntry("Q7", "audi-q7"),
        LexiconEntry("a\ufffd", ""),
    ]
    entries, shuffled = Lexicon(given), Lexicon(given[::-1])
    assert entries == shuffled
    assert hash(entries) == hash(shuffled)
    assert entries.to_bytes() == shuffled.to_bytes()
    assert entries != Lexicon(given[:2])
    for again in (Lexicon.from_bytes(entries.to_bytes()), pickle.loads(pickle.dumps(entries))):
        assert again == entries
        assert len(again) == 3
        assert again.find("本田q7") == [Match(0, 2, "honda"), Match(2, 4, "audi-q7")]


def test_jsonl_as_of_the_entity_ruler(tmp_path):
    path = write(
        tmp_path,
        "names.jsonl",
        '{"label": "BRAND", "pattern": "本田", "id": "honda"}\n\n{"pattern": "Q7"}\r\n',
    )
    assert Lexicon.from_file(path).entries == (
        LexiconEntry("Q7", "Q7"),
        LexiconEntry("本田", "honda", "BRAND"),
    )


def test_txt(tmp_path):
    path = write(tmp_path, "names.txt", "# cars\n本田\r\n \nRAV4 荣放 \t toyota-rav4\n")
    expected = (LexiconEntry("RAV4 荣放", "toyota-rav4"), LexiconEntry("本田", "本田"))
    assert Lexicon.from_file(path).entries == expected


@pytest.mark.parametrize("header", ["ViedId", "ViewId"])
def test_view_csv(tmp_path, header):
    path = write(tmp_path, "View.csv", f"{header}\tView\r\n1\t凯越\r\n2\tQ7\r\n")
    expected = (LexiconEntry("Q7", "Q7"), LexiconEntry("凯越", "凯越"))
    assert Lexicon.from_file(path).entries == expected


def test_view_csv_with_blanks(tmp_path):
    path = write(tmp_path, "View.csv", "ViewId\tView \n\n1\t 凯越 \n \n")
    assert Lexicon.from_file(path).entries == (LexiconEntry("凯越", "凯越"),)


def test_gb18030_and_gzip(tmp_path):
    path = tmp_path / "names.TXT.gz"
    path.write_bytes(gzip.compress("本田\n丰田\n".encode("gb18030")))
    assert spans(Lexicon.from_file(path), "丰田和本田") == [(0, 2), (3, 5)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"pattern": "a"}\n{"pattern"', "line 2: not valid JSON"),
        ("a.jsonl", '["a"]', "line 1: expected an object"),
        ("a.jsonl", '{"id": "a"}', "line 1: expected an object"),
        ("a.jsonl", '{"pattern": [{"LOWER": "q7"}]}', "line 1: token patterns cannot be used"),
        ("a.jsonl", '{"pattern": "q7", "id": 7}', "line 1: pattern, id and label must be strings"),
        ("a.jsonl", '{"pattern": " "}', "line 1: the pattern is empty"),
        ("a.jsonl", "\n", "no entries"),
        ("a.txt", "本田\n\thonda", "line 2: the pattern is empty"),
        ("a.txt", "本田\thonda\tBRAND", "line 1: 3 columns"),
        (
            "a.txt",
            "Q7\taudi\n# more\nｑ7\tbmw",
            "line 3: 'ｑ7' has the id 'bmw', but 'Q7'.* 'audi'",
        ),
        ("a.txt", "# nothing\n\n", "no entries"),
        ("a.csv", "View\n本田", "line 1: expected the tab-separated header"),
        ("a.csv", "ViewId\tView\n1\t本田\n本田", "line 3: 1 columns"),
        ("a.csv", "ViewId\tView\n1\t", "line 2: the pattern is empty"),
        ("a.csv", "ViewId\tView\n", "no entries"),
        ("a.csv", "", "no entries"),
        ("a.xml", "<a/>", "cannot tell the lexicon's format"),
    ],
)
def test_bad_files_name_the_file_and_the_line(tmp_path, name, text, message):
    path = write(tmp_path, name, text)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}.*{message}"):
        Lexicon.from_file(path)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"names\.txt"):
        Lexicon.from_file(tmp_path / "names.txt")


def test_bad_entries_are_counted():
    with pytest.raises(InputError, match="lexicon entry 2: the pattern is empty"):
        lexicon("本田", "")
    with pytest.raises(InputError, match="lexicon entry 2: 'q7'"):
        Lexicon([LexiconEntry("Q7", "audi"), LexiconEntry("q7", "bmw")])


def test_many_aliases():
    aliases = [f"车型{number}款" for number in range(20_000)]
    entries = lexicon(*aliases)
    text = "".join(aliases[:2000])
    assert [match.id for match in entries.find(text)] == aliases[:2000]


@pytest.mark.parametrize(
    "line",
    ['{"pattern": "Q7", "id": "\\ud800"}', '{"pattern": "\\udfff"}', '{"a": ' + "[" * 100_000],
)
def test_lines_that_no_text_can_match(tmp_path, line):
    path = write(tmp_path, "names.jsonl", f'{{"pattern": "A4"}}\n{line}\n')
    with pytest.raises(InputError, match=r"names\.jsonl, line 2: "):
        Lexicon.from_file(path)


def test_no_long_line_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_absa.data.text.MAX_LINE", 10)
    path = write(tmp_path, "names.txt", "A4\n" + "long" * 5 + "\n")
    with pytest.raises(InputError, match=r"names\.txt, line 2: longer than"):
        Lexicon.from_file(path)
