import random

from spacy_absa.data.texts import stable_hash
from spacy_absa.report.quotes import SAMPLE_SIZE, Quote, Sample, excerpt, typical


def quote(text, score=1.0):
    return Quote(text, [], [], score, "file", 1)


def sample_of(texts):
    sample = Sample()
    for text in texts:
        if sample.would_take(stable_hash(text)):
            sample.add(stable_hash(text), quote(text))
    return [kept.text for kept in sample.quotes()]


def test_a_sample_holds_the_texts_with_the_smallest_hashes_whatever_their_order():
    texts = [f"text {i}" for i in range(200)]
    expected = sorted(texts, key=stable_hash)[:SAMPLE_SIZE]
    assert sample_of(texts) == expected
    # Copies count once
    shuffled = texts * 3
    random.Random(0).shuffle(shuffled)
    assert sample_of(shuffled) == expected


def test_a_short_text_is_quoted_whole():
    assert excerpt("本田省油。", 0, 2) == ("本田省油。", 0, 0, 5)


def test_a_long_text_is_cut_at_punctuation_around_the_name():
    text = "长" * 100 + "。真的，我喜欢" + "本田" + "省油，好看，" + "短" * 200
    start = text.index("本田")
    words, shift, *_ = excerpt(text, start, start + 2)
    assert words == "…真的，我喜欢本田省油，好看，…"
    assert words[start + shift : start + 2 + shift] == "本田"


def test_a_long_text_without_punctuation_is_cut_all_the_same():
    text = "长" * 300 + "本田" + "短" * 300
    words, shift, *_ = excerpt(text, 300, 302)
    assert words == "…" + "长" * 80 + "本田" + "短" * 80 + "…"
    assert words[300 + shift : 302 + shift] == "本田"


def test_a_text_of_160_characters_is_short():
    text = "长" * 81 + "本田" + "短" * 77
    assert excerpt(text, 81, 83) == (text, 0, 0, 160)
    assert excerpt(text + "短", 81, 83) == ("…" + text[1:] + "短", 0, 1, 161)


def test_an_end_in_sight_is_not_cut():
    text = "长" * 200 + "本田" + "，省油" + "短" * 77
    words, *_ = excerpt(text, 200, 202)
    assert words == "…" + text[120:]


def test_long_texts_say_no_more_than_short_ones():
    short = [quote("省油的车"), quote("省油的轿车")]
    long = quote("完全不相干的长长的一句话" * 9)
    assert typical([long, *short], 1)[0] in short


def test_quotes_like_the_others_come_first():
    common = ["这车省油又好看的", "朋友说它真省油，又好看", "省油，动力也不错又好看"]
    quotes = [quote("完全不相干"), *map(quote, common)]
    assert {q.text for q in typical(quotes, 3)} == set(common)


def test_of_quotes_that_say_the_same_one_is_shown():
    quotes = [quote("今天试驾了本田思域，很好"), quote("今天试驾了本田思域，很好！"), quote("省油")]
    assert len(typical(quotes, 3)) == 2


def test_unsure_quotes_come_last():
    quotes = [quote("省油的车", 0.1), quote("省油的轿车", 0.9)]
    assert typical(quotes, 1)[0].score == 0.9


def test_a_quote_of_one_character_is_no_problem():
    assert [q.text for q in typical([quote("好")], 3)] == ["好"]
