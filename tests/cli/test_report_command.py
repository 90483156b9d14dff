import csv
import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from spacy.cli._util import app
from typer.testing import CliRunner

pytest.importorskip("plotly")
from spacy_absa.report.charts import chart_labels

CARS = Path(__file__).parents[2] / "assets/zh_absa_cars"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NASTY = '<img src=x onerror="document.title=1">'
END = "</script><script>document.title=1</script>"


def entity(name, sentiment="positive", id="", start=0, **more):
    label = {"positive": "POS", "neutral": "NEU", "negative": "NEG"}[sentiment]
    return {
        "text": name,
        "start": start,
        "end": start + len(name),
        "label": label,
        "sentiment": sentiment,
        "scores": {label: 1.0},
        "score": 0.9,
        "id": id,
        **more,
    }


def row(name, *args, tail="很好", **fields):
    return {"text": name + tail, **fields, "entities": [entity(name, *args)]}


def write(path, rows):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def report(absa, tmp_path):
    """Report rows; gives the page, the rows of the table, and the data."""

    def run(rows, *arguments):
        write(tmp_path / "rows.jsonl", rows)
        result = absa(
            *("report", "rows.jsonl", "--output", "r.html", "--csv", "r.csv", "--json", "r.json"),
            *arguments,
        )
        assert result.code == 0, result.err
        with open(tmp_path / "r.csv", encoding="utf-8-sig", newline="") as file:
            table = list(csv.DictReader(file))
        data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
        return (tmp_path / "r.html").read_text(encoding="utf-8"), table, data

    return run


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """A page with all charts, in which texts, names, ids and groups try to run scripts."""
    folder = tmp_path_factory.mktemp("nasty")
    names = [("本田", "positive", "honda"), (NASTY, "negative"), (END, "neutral", NASTY), ("2008",)]
    rows = [
        row(*name, tail=tail, day=f"2016-0{1 + i % 9}-01", source=group)
        for i in range(12)
        for name in names
        for tail, group in [(f"{i}{NASTY}", END), (f"{i}{END}", NASTY)]
    ]
    rows[0]["entities"][0]["explanation"] = [{"start": 0, "end": 4, "text": "", "weight": 1}]
    write(folder / "rows.jsonl", rows)
    arguments = [folder / "rows.jsonl", "--output", folder / "r.html", "--time", "day"]
    result = CliRunner().invoke(app, ["absa", "report", *map(str, arguments), "--group", "source"])
    assert result.exit_code == 0, result.stderr
    return folder / "r.html"


def test_a_run_is_reported_with_its_origin(absa, tmp_path):
    lines = ["n,text", "1,哈弗H6省油又好看", "2,邻居那台途观天天修，真坑。", "3,", "4,途观很好"]
    (tmp_path / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    absa("annotate", CARS, "rows.csv", "--output", "runs/1", "--n-process", 1)
    # A folder of runs will do, and what is in a run counts once
    inputs = ("runs", "runs/1/part-00000.jsonl")
    result = absa("report", *inputs, "--output", "out/r.html", "--json", "out/r.json")
    assert result.code == 0, result.err
    data = json.loads((tmp_path / "out/r.json").read_text(encoding="utf-8"))
    (source,) = data["sources"]
    manifest = json.loads((tmp_path / "runs/1/manifest.json").read_text(encoding="utf-8"))
    assert source["pipeline"] == manifest["run"]["pipeline"]
    assert (source["texts"], source["quarantined"]) == (3, 1)
    assert source["reasons"] == {"no text at 'text'": 1}
    assert [file["rows"] for file in source["inputs"]] == [4]
    assert {e["id"] for e in data["entities"]} == {"haval-h6", "volkswagen-tiguan"}
    page = (tmp_path / "out/r.html").read_text(encoding="utf-8")
    for shown in ("zh_absa_cars", manifest["run"]["pipeline"]["sha256"][:16], "rows.csv"):
        assert shown in page
    assert "1 rows could not be annotated" in page


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda run: (run / "part-00000.jsonl").unlink(), "part-00000.jsonl: missing"),
        (lambda run: (run / "manifest.json").write_text("{}"), "is no manifest"),
        (
            lambda run: (run / "manifest.json").write_text(
                '{"whole": false, "run": {"inputs": [], "settings": {"format": "jsonl"}}, '
                '"time": {"started": ""}}'
            ),
            "has not ended",
        ),
        *(
            (
                lambda run, key=key: (run / "manifest.json").write_text(
                    (run / "manifest.json").read_text().replace(f'"{key}"', '"other"')
                ),
                "is no manifest",
            )
            for key in ("settings", "column", "shards", "whole")
        ),
    ],
)
def test_damaged_runs_are_refused(absa, refused, tmp_path, harm, message):
    (tmp_path / "rows.csv").write_text("text\n途观很好", encoding="utf-8")
    absa("annotate", CARS, "rows.csv", "--output", "run", "--n-process", 1)
    harm(tmp_path / "run")
    assert message in refused("report", "run", "--output", "r.html")


def test_the_table_has_a_row_for_each_entity(report, tmp_path):
    rows = [row("本田", "positive", "honda", tail=str(i)) for i in range(3)]
    rows += [row("丰田", "negative", "toyota")]
    _, table, _ = report(rows, "--top", 1)
    assert [(r["entity"], r["id"], r["mentions"]) for r in table] == [
        ("本田", "honda", "3"),
        ("丰田", "toyota", "1"),
    ]
    assert float(table[0]["positive_share"]) == 1
    # Wilson's lower end for 3 of 3: 1 / (1 + 1.96² / 3)
    assert float(table[0]["positive_share_low"]) == pytest.approx(0.438503, abs=1e-6)
    assert float(table[0]["positive_share_high"]) == 1
    assert float(table[1]["net_sentiment"]) == -1
    assert (table[0]["positive_mentions"], table[0]["negative_mentions"]) == ("3", "0")
    # Excel needs the mark, and spreadsheets the quotes to tell an id from a number.
    assert (tmp_path / "r.csv").read_text(encoding="utf-8").startswith('\ufeff"entity","id",')
    assert table[0]["small_sample"] == "yes"


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_no_cell_of_the_table_runs_as_a_formula(report, tmp_path, first):
    name = first + 'HYPERLINK("http://x","本田")'
    _, table, data = report([row(name, "negative", name)])
    assert [table[0][key] for key in ("entity", "id", "spellings")] == ["'" + name] * 3
    # Numbers stay numbers, and data is as it was
    assert ",-1.0," in (tmp_path / "r.csv").read_text(encoding="utf-8-sig")
    assert data["entities"][0]["name"] == name


def test_nothing_from_texts_is_markup(nasty):
    # The script of plotly apart
    page = nasty.read_text(encoding="utf-8")
    head, _, body = page.partition("</head>")
    assert "<img" not in body
    assert "document.title=1</script>" not in page
    assert body.count("<script") == body.count("</script>")
    assert "&lt;img src=x" in body
    assert "default-src 'none'" in head


def test_names_in_charts_are_short_and_told_apart():
    names = ["a" * 18, "b" * 19, "b" * 20, "<", "<", "<"]
    labels = chart_labels({"name": name} for name in names)
    cut = "b" * 18 + "…"
    assert labels == ["a" * 18, cut, f"{cut} (2)", "&lt;", "&lt; (2)", "&lt; (3)"]


def test_the_page_loads_nothing(nasty):
    body = nasty.read_text(encoding="utf-8").partition("</head>")[2]
    assert "http" not in body
    assert "src=" not in body.replace("src=x", "")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_draws_all_charts_without_an_error(nasty, tmp_path):
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
        "--disable-background-networking --disable-component-update --disable-dev-shm-usage "
        "--enable-logging=stderr --virtual-time-budget=2000 --dump-dom"
    )
    result = subprocess.run(
        [CHROMIUM, *flags.split(), f"--user-data-dir={tmp_path}", nasty],
        capture_output=True,
        text=True,
        timeout=120,
    )
    # Compared, by group, over time, and one for each entity
    assert result.stdout.count('class="plotly-graph-div js-plotly-plot"') == 3 + 4
    assert result.stdout.count('class="main-svg"') >= 7
    assert "<title>Brand report</title>" in result.stdout
    assert "CONSOLE" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.jsonl", "--output", "r.html"], "none.jsonl: no such file or folder"),
        (["rows.jsonl", "--output", "r.pdf"], "must end in .html"),
        (["rows.jsonl", "--output", "r.html", "--csv", "r.txt"], "must end in .csv"),
        (["answer.csv", "--output", "r.html"], "a table cannot hold"),
        (["rows.jsonl", "--output", "r.html", "--time", "day"], "the columns are text, entities"),
        (
            ["dated.jsonl", "--output", "r.html", "--time", "day", "--group", "kind"],
            "No row has a value at 'kind': the columns",
        ),
        (["empty.jsonl", "--output", "r.html"], "no entity in 0 texts"),
    ],
)
def test_bad_input_is_refused(refused, tmp_path, arguments, message):
    write(tmp_path / "rows.jsonl", [row("本田")])
    write(tmp_path / "empty.jsonl", [])
    days = ["2016-12-01", "gestern"]
    write(tmp_path / "dated.jsonl", [{**row("本田"), "day": day, "kind": ""} for day in days])
    (tmp_path / "answer.csv").write_text("SentenceId,View,Opinion\n1,本田,pos\n", encoding="utf-8")
    assert message in refused("report", *arguments)


def test_the_lack_of_the_extra_is_said(refused, tmp_path, monkeypatch):
    write(tmp_path / "rows.jsonl", [row("本田")])
    missing = {"plotly": None}
    monkeypatch.setattr(
        "spacy_absa.extras.find_spec", lambda name: missing.get(name, find_spec(name))
    )
    error = refused("report", "rows.jsonl", "--output", "r.html")
    assert "pip install 'spacy-absa[report]'" in error
