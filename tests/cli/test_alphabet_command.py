import json


def test_the_alphabet_of_several_files(absa, tmp_path):
    (tmp_path / "a.txt").write_text("车车好b\n", encoding="gb18030")
    (tmp_path / "b.csv").write_text("id,Content\n1,车Ｂ坏\n", encoding="utf-8")
    result = absa("alphabet", "new/alphabet.json", "a.txt", "b.csv")
    assert result.code == 0
    content = json.loads((tmp_path / "new" / "alphabet.json").read_text(encoding="utf-8"))
    assert content == {"alphabet": "车b", "min_count": 2, "coverage": 0.714286}  # 5 of 7
    assert "2 of 4 different characters, 71.429% of 7" in " ".join(result.out.split())


def test_another_minimum_and_column(absa, tmp_path):
    (tmp_path / "b.csv").write_text("id,Content\nxxx,车\n", encoding="utf-8")
    assert absa("alphabet", "a.json", "b.csv", "--min-count", 1, "--column", "id").code == 0
    assert json.loads((tmp_path / "a.json").read_text())["alphabet"] == "x"


def test_bad_input(refused, tmp_path):
    (tmp_path / "a.txt").write_text("车\n")
    (tmp_path / "a.csv").touch()
    assert "no character comes 2 times" in refused("alphabet", "a.json", "a.txt")
    assert "a.csv: the file is empty" in refused("alphabet", "a.json", "a.csv")
    assert "gone.txt: cannot be read" in refused("alphabet", "a.json", "gone.txt")
    (tmp_path / "folder.json").mkdir()
    assert "is a folder" in refused("alphabet", "folder.json", "a.txt", "--min-count", 1)
    assert "must end in .json" in refused("alphabet", "a.txt", "b.txt")
