import pytest
import spacy
from spacy.tokens import DocBin

from spacy_absa.data.corpora import in_dev

REVIEWS = """stars,review
5,这手机真好，手机壳也好
1,酒店太吵
1,又是手机，坏了
3,手机一般
5,书很好看
1,这手机用了很久很久很久，终于坏了
"""


@pytest.fixture
def inputs(tmp_path):
    (tmp_path / "reviews.csv").write_text(REVIEWS, encoding="utf8")
    (tmp_path / "slots.txt").write_text("手机\n酒店\n手机壳\n", encoding="utf8")
    (tmp_path / "names.txt").write_text("本田思域\n", encoding="utf8")
    return [
        *("distant", "reviews.csv", "out.spacy", "--slots", "slots.txt"),
        *("--lexicon", "names.txt", "--join", 0, "--rating-column", "stars"),
    ]


RATINGS = ["--rating", "5=POS", "--rating", "1=NEG", "--max-length", 12]


def read(path):
    docs = DocBin().from_disk(path).get_docs(spacy.blank("zh").vocab)
    return {doc.text: [(e.start_char, e.end_char, e.label_) for e in doc.ents] for doc in docs}


def test_names_take_the_places_and_the_rating(absa, inputs, tmp_path):
    result = absa(*inputs, *RATINGS)
    assert result.code == 0
    found = read(tmp_path / "out.spacy")
    positive = "这本田思域真好，本田思域也好"
    assert found.pop(positive) == [(1, 5, "POS"), (8, 12, "POS")]
    # One of the two negative ones, to be as many.
    ((text, spans),) = found.items()
    assert text in ("本田思域太吵", "又是本田思域，坏了")
    assert [text[start:end] + label for start, end, label in spans] == ["本田思域NEG"]
    assert "2 texts, 1 reviews each of NEG, POS" in " ".join(result.out.split())


def test_a_rating_is_a_number_however_it_is_written(absa, inputs, tmp_path):
    assert absa(*inputs, *RATINGS).code == 0
    before = read(tmp_path / "out.spacy")
    written = REVIEWS.replace("\n5,", "\n5.0,").replace("\n1,", "\n 1,")
    (tmp_path / "reviews.csv").write_text(written, encoding="utf8")
    assert absa(*inputs, *RATINGS).code == 0
    assert read(tmp_path / "out.spacy") == before


def test_spans_that_do_not_align_are_counted(absa, refused, inputs, tmp_path):
    result = absa(*inputs, *RATINGS, "--lang", "en")
    assert result.code == 1
    assert "take another tokenizer or language" in result.err
    reviews = "stars,review\n5,a 手机 here\n1,no手机 手机 b\n"
    (tmp_path / "reviews.csv").write_text(reviews, encoding="utf8")
    result = absa(*inputs, *RATINGS, "--lang", "en")
    assert result.code == 0, result.err
    assert "1 spans left open" in result.out


def test_reviews_are_joined_in_twos(absa, inputs, tmp_path):
    assert absa(*inputs, *RATINGS, "--join", 1).code == 0
    ((text, spans),) = read(tmp_path / "out.spacy").items()
    assert [text[start:end] for start, end, _ in spans] == ["本田思域"] * 3
    assert sorted(label for _, _, label in spans) == ["NEG", "POS", "POS"]


def test_two_runs_write_the_same_bytes(absa, inputs, tmp_path):
    absa(*inputs, *RATINGS)
    first = (tmp_path / "out.spacy").read_bytes()
    absa(*inputs, *RATINGS)
    assert (tmp_path / "out.spacy").read_bytes() == first


def test_bad_input(refused, inputs, tmp_path):
    assert "write a rating and its label" in refused(*inputs, "--rating", "5")
    (tmp_path / "r.jsonl").touch()
    over = ("distant", "r.jsonl", "./r.jsonl", *inputs[3:])
    assert "is the input as well" in refused(*over)
    assert "is to mean another label" in refused(*inputs, *RATINGS, "--rating", "5.0=NEG")
    assert "no review with one of the words" in refused(*inputs, "--rating", "9=POS")
    assert "--lang klingon" in refused(*inputs, *RATINGS, "--lang", "klingon")
    assert "the columns are stars, review" in refused(*inputs[:-1], "nowhere", *RATINGS)


def test_the_data_may_be_written_as_jsonl(absa, inputs, tmp_path):
    as_docs = [*inputs, *RATINGS]
    assert (
        absa(*as_docs).code
        == absa(*(a.replace(".spacy", ".jsonl") if isinstance(a, str) else a for a in as_docs)).code
        == 0
    )
    assert absa("convert", "out.jsonl", "again.spacy").code == 0
    assert read(tmp_path / "again.spacy") == read(tmp_path / "out.spacy")


def test_development_data_can_be_split_off(absa, inputs, tmp_path):
    rows = "".join(f"{i % 2 * 4 + 1},这家酒店住了{i}次\n" for i in range(400))
    (tmp_path / "reviews.csv").write_text(f"stars,review\n{rows}", encoding="utf8")
    assert absa(*inputs, *RATINGS, "--join", 0.5, "--per-label", 150).code == 0
    texts = read(tmp_path / "out.spacy")
    # About a fifth. By chance alone: less than 1 in 1,000 times outside of these bounds.
    assert 0.1 < sum(in_dev(text, 0.2) for text in texts) / len(texts) < 0.3
