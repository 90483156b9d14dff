import pytest

FILES = {
    "texts.txt": "昨天试驾了本田，今天下雨。\n丰田省油\n",
    "reviews.csv": "stars,review\n5,这手机真好，物流很快\n1,酒店太吵，再也不来\n",
    "names.txt": "本田\n丰田\n",
    "slots.txt": "手机\n酒店\n",
}


@pytest.fixture
def inputs(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf8")
    files = ("texts.txt", "reviews.csv", "out.txt")
    return ["graft", *files, "--lexicon", "names.txt", "--slots", "slots.txt"]


def test_distinct_texts_within_limits(absa, inputs, tmp_path):
    result = absa(*inputs, "--n", 9, "--min-length", 9, "--max-length", 14)
    assert "9 texts" in result.out
    lines = (tmp_path / "out.txt").read_text(encoding="utf8").splitlines()
    assert len(set(lines)) == len(lines) == 9
    assert all(9 <= len(line) <= 14 for line in lines)
    assert all("本田" in line or "丰田" in line for line in lines)


def test_little_material_makes_fewer_and_seeds_differ(absa, inputs, tmp_path):
    out = tmp_path / "out.txt"
    assert absa(*inputs).code == 0
    everything = out.read_text(encoding="utf8").splitlines()
    assert 10 < len(everything) < 100
    runs = []
    for seed in (1, 1, 2):
        absa(*inputs, "--n", 5, "--seed", seed)
        runs.append(out.read_bytes())
    assert runs[0] == runs[1] != runs[2]


def test_bad_input(refused, inputs, tmp_path):
    assert "nothing to put together" in refused(*inputs, "--max-length", 1)
    assert "must end in .txt" in refused(*["out.csv" if i == "out.txt" else i for i in inputs])
    assert "the columns are stars, review" in refused(*inputs, "--review-column", "nowhere")
    assert not (tmp_path / "out.txt").exists()
