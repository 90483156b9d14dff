"""What looks like a path in data is no path: nothing is written but what the command names."""

import json

EVIL = "../../../evil"


def test_no_data_names_a_file(absa, pipelines, tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    lexicon = inner / "lexicon.jsonl"
    lexicon.write_text(json.dumps({"pattern": "本田", "id": EVIL}) + "\n", encoding="utf8")
    texts = inner / "texts.jsonl"
    row = {"id": EVIL, EVIL: "/etc/passwd", "file": "file:///etc/passwd"}
    rows = [{"text": text, **row} for text in ("喜欢本田", "讨厌日产和丰田，喜欢")]
    texts.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf8")
    before = set(tmp_path.rglob("*"))
    run, answer, page, tasks = (inner / name for name in ("run", "out.jsonl", "r.html", "t.json"))
    with_list = ("--lexicon", lexicon)
    trained = pipelines / "trained"
    for command in (
        ("annotate", trained, texts, "--output", run, *with_list),
        ("predict", trained, texts, answer, *with_list),
        ("report", run, "--output", page, "--csv", inner / "r.csv", "--group", EVIL),
        ("suggest", trained, texts, tasks, *with_list),
    ):
        assert absa(*command).code == 0, command
    assert EVIL in answer.read_text(encoding="utf8")
    new = set(tmp_path.rglob("*")) - before
    assert new == {run, *run.rglob("*"), answer, page, inner / "r.csv", tasks, inner / "t.xml"}
    assert not [path for path in run.rglob("*") if "evil" in path.name]
