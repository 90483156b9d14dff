"""The web application, asked as a browser or a program would ask it."""

import json
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import spacy

pytest.importorskip("fastapi", reason="needs the extra app")
import uvicorn
from fastapi.testclient import TestClient

from spacy_absa.app.server import Limits, create_app

CARS = Path(__file__).parents[2] / "assets" / "zh_absa_cars"
TEXT = "哈弗H6省油又好看，邻居那台途观天天修，真坑。"
LIMITS = Limits(
    texts=3,
    names=6,
    chars=60,
    close_chars=80,
    readings=4,
    body=20_000,
    rows=4,
    requests=1,
    per_minute=1_000,
)
HOSTS = ("127.0.0.1",)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def nlp():
    return spacy.load(CARS)


@pytest.fixture(scope="module")
def client(nlp):
    return TestClient(create_app(nlp, limits=LIMITS, hosts=HOSTS), base_url="http://127.0.0.1")


@pytest.fixture
def analyse(client):
    """The answer to a request that must succeed."""

    def ask(*texts, **settings):
        response = client.post("/analyse", json={"texts": texts, **settings})
        assert response.status_code == 200, response.text
        return response.json()["results"]

    return ask


@pytest.fixture
def refused(client):
    """The one sentence that refuses a request."""

    def ask(status, path="/analyse", **request):
        response = client.post(path, **request)
        assert response.status_code == status
        assert response.json().keys() == {"detail"}
        return response.json()["detail"]

    return ask


def names(result):
    return [(entity["text"], entity["label"]) for entity in result["entities"]]


def test_a_batch_is_answered_as_the_pipeline_would(analyse, nlp):
    results = analyse(TEXT, "", "没有车")
    assert [result["text"] for result in results] == [TEXT, "", "没有车"]
    assert names(results[0]) == [("哈弗H6", "POS"), ("途观", "NEG")]
    (expected, *_) = nlp(TEXT)._.absa
    assert results[0]["entities"][0] == {
        **expected,
        "scores": pytest.approx(expected["scores"], abs=1e-4),
        "score": pytest.approx(expected["score"], abs=1e-4),
    }
    assert results[1:] == [{"text": "", "entities": []}, {"text": "没有车", "entities": []}]


def test_readings_and_explanations(analyse):
    (result,) = analyse(TEXT, readings=3, explain=True)
    first, *others = result["readings"]
    assert names(first) == names(result)
    assert 1 > first["probability"] > sum(other["probability"] for other in others) > 0
    assert len(others) == 2
    assert "省" in result["entities"][0]["explanation"][0]["text"]


def test_words_of_requests_are_forgotten(analyse, nlp):
    before = len(nlp.vocab.strings)
    analyse("龘靐齉爩", readings=2, explain=True)
    analyse("丰田龘靐齉爩", readings=2, explain=True)
    assert len(nlp.vocab.strings) == before
    assert "靐" not in nlp.vocab.strings


def test_another_entity_list_is_for_one_request_only(analyse, client):
    own = client.get("/lexicon").text
    assert "途观\tvolkswagen-tiguan\n" in own
    before = analyse(TEXT)
    (forced,) = analyse(TEXT, lexicon="途观\tmy-tiguan\n", lexicon_mode="force")
    assert [(entity["text"], entity["id"]) for entity in forced["entities"]] == [
        ("途观", "my-tiguan")
    ]
    assert analyse(TEXT, lexicon="", lexicon_mode="force") == [{"text": TEXT, "entities": []}]
    assert names(analyse(TEXT, lexicon="", lexicon_mode="off")[0])
    assert analyse(TEXT) == before
    assert client.get("/lexicon").text == own


def test_settings_are_undone_after_a_failure(analyse, client, nlp, monkeypatch):
    before = analyse(TEXT)
    failing = TestClient(client.app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    with monkeypatch.context() as patch:
        patch.setattr(nlp, "pipe", None)
        request = {"texts": [TEXT], "lexicon": "", "lexicon_mode": "force"}
        assert failing.post("/analyse", json=request).status_code == 500
    assert analyse(TEXT) == before


def test_markup_is_escaped(analyse):
    hostile = "途观<script>alert(1)</script>&\"'"
    (result,) = analyse(hostile, html=True, readings=1, lexicon="途观<script>\t<b>\n")
    assert result["text"] == hostile
    for html in (result["html"], result["readings"][0]["html"]):
        assert "<script" not in html
        assert "&lt;script&gt;" in html or "&lt;/script&gt;" in html


def test_a_file_becomes_brands_and_a_chart(client):
    rows = ["我喜欢丰田", "丰田太差，TOYOTA真坑", "", "途观" * 40, "本田好"]
    content = "id,评论\n" + "".join(f"{i},{row}\n" for i, row in enumerate(rows))
    lexicon = {"lexicon": "丰田\ttoyota\nTOYOTA\ttoyota\n本田\t", "lexicon_mode": "force"}
    response = client.post("/file", files={"file": ("评论.csv", content)}, data=lexicon)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert [result["text"] for result in answer["results"]] == rows[:2]
    assert answer["results"][0].keys() == {"text", "entities", "html"}
    assert (answer["skipped"], answer["more"]) == (2, True)
    (brand,) = answer["brands"]
    assert (brand["name"], brand["mentions"]) == ("丰田", 3)
    assert sum(brand["sentiments"].values()) == 3
    bars = {bar["name"]: (bar["y"], bar["x"]) for bar in answer["chart"]["data"]}
    assert bars == {name: (["丰田"], [n]) for name, n in brand["sentiments"].items()}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "丰田好\n"),
        ("a.TSV", "id\ttext\n1\t丰田好\n"),
        ("a.jsonl", '{"text": "丰田好"}\n'),
    ],
)
def test_files_of_other_formats(client, name, content):
    answer = client.post("/file", files={"file": (name, content)}).json()
    assert [names(result) for result in answer["results"]] == [[("丰田", "POS")]]


def test_files_that_cannot_be_read(refused, tmp_path):
    for name in ("../../etc/passwd", "a.csv.gz", "a.parquet", "a"):
        sentence = refused(422, "/file", files={"file": (name, b"x")})
        assert sentence == "The file's name must end in .csv, .tsv, .jsonl, .txt."
    bad = refused(422, "/file", files={"file": ("../up.jsonl", b'{"text": "a"}\n[]\n')})
    assert bad.startswith("file.jsonl, line 2: no JSON object")
    assert "file.csv" in refused(422, "/file", files={"file": ("a.csv", b"")})
    empty = refused(422, "/file", data={"lexicon": ""})
    assert empty == "file: Field required."


def test_limits(refused, client, analyse):
    assert len(analyse("a" * 60)) == 1
    assert "at most 3" in refused(422, json={"texts": ["a"] * 4})
    assert refused(422, json={"texts": ["", "a" * 61]}).startswith("texts.1: longer than 60")
    assert "at most 80" in refused(422, json={"texts": ["a" * 50] * 2, "explain": True})
    assert "at most 80" in refused(422, json={"texts": ["a" * 50] * 2, "readings": 1})
    assert "at most 4" in refused(422, json={"texts": ["a"], "readings": 5})
    assert "at most 20,000" in refused(413, content=b" " * 20_001)
    assert "20,000" in refused(413, "/file", files={"file": ("a.txt", b"a" * 20_000)})
    assert "Content-Length" in refused(411, content=iter([b"{}"]))


def test_bad_requests(refused, client):
    assert refused(422, json={}) == "texts: Field required."
    assert refused(422, json={"texts": []}).startswith("texts: List should have at least 1")
    as_json = {"headers": {"content-type": "application/json"}}
    assert refused(422, content=b"{", **as_json).startswith("body: JSON decode error")
    assert refused(422, content=b"[]", **as_json).startswith("body: Input should be a valid dict")
    assert refused(415, content=b"{}") == "Send JSON, with Content-Type: application/json."
    assert refused(422, json={"texts": [1]}).startswith("texts.0: Input should be a valid string")
    assert "surrogate" in refused(422, content=b'{"texts": ["\\ud800"]}', **as_json)
    assert "surrogate" in refused(422, content=b'{"texts": ["a"], "lexicon": "\\ud800"}', **as_json)
    assert "'off', 'prefer' or 'force'" in refused(422, json={"texts": [""], "lexicon_mode": "x"})
    assert "column" in refused(422, json={"texts": [""], "lexicon": "a\n\tb\tc\td"})
    assert "entity list, line 2" in refused(422, json={"texts": [""], "lexicon": "a\tb\nA\tc"})
    assert "at most 6" in refused(422, json={"texts": [""], "lexicon": "a\n" * 7})
    assert refused(422, json={"texts": [""], "path": "/"}).startswith("path: Extra inputs")


def test_too_many_at_once(client, nlp, monkeypatch):
    """With one place, the second of two requests is sent away, not kept waiting."""
    inside, go_on = threading.Event(), threading.Event()
    pipe = nlp.pipe

    def slow(texts):
        inside.set()
        assert go_on.wait(60)
        return pipe(texts)

    monkeypatch.setattr(nlp, "pipe", slow)
    answers = []
    request = {"json": {"texts": ["丰田好"]}}
    first = threading.Thread(target=lambda: answers.append(client.post("/analyse", **request)))
    first.start()
    assert inside.wait(60)
    second = client.post("/analyse", **request)
    assert client.get("/health").json()["status"] == "ok"
    go_on.set()
    first.join()
    assert (second.status_code, second.headers["retry-after"]) == (503, "1")
    assert "try again" in second.json()["detail"]
    assert answers[0].status_code == 200


def test_too_many_in_a_minute(nlp, monkeypatch):
    """Each address has its own minute, which begins with its first request."""
    app = create_app(nlp, limits=Limits(per_minute=3))
    one, other = (TestClient(app, client=(f"192.0.2.{n}", 1)) for n in (1, 2))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    assert one.get("/health").status_code == 200
    now += 20
    assert [one.post("/analyse", content=b"{").status_code for _ in range(3)] == [415, 415, 429]
    refused = one.get("/health")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "40")
    assert refused.json() == {"detail": "At most 3 requests a minute: wait 40 s."}
    assert other.get("/health").status_code == 200
    now += 39
    assert one.get("/health").headers["retry-after"] == "1"
    now += 2
    assert one.get("/health").status_code == 200


def test_health_tells_no_paths(client):
    answer = client.get("/health").json()
    assert answer["pipeline"].startswith("zh_absa_cars 0.")
    assert answer["limits"]["texts"] == 3
    assert str(CARS.parent) not in json.dumps(answer)


def test_nothing_is_read_outside_the_static_folder(client):
    assert client.get("/static/app.js").status_code == 200
    for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd"):
        assert client.get(path).status_code == 404


def test_other_host_names_are_refused(client):
    assert client.get("/health", headers={"host": "evil.example"}).status_code == 400


def test_the_page_needs_no_other_machine(client):
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "Plotly" in client.get("/plotly.js").text[:100_000]
    for path in ("/", "/static/app.js", "/static/style.css"):
        assert "http" not in client.get(path).text.replace("http-equiv", "")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_the_page_in_a_browser(nlp, tmp_path):
    """Without a click it analyses its example."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_app(nlp, hosts=HOSTS)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while thread.is_alive() and not server.started:
        time.sleep(0.05)
    try:
        flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
        flags += " --disable-background-networking --disable-component-update --lang=en"
        dom = subprocess.run(
            [
                CHROMIUM,
                *flags.split(),
                f"--user-data-dir={tmp_path}",
                "--virtual-time-budget=20000",
                "--dump-dom",
                f"http://127.0.0.1:{port}/",
            ],
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
    finally:
        server.should_exit = True
        thread.join()
    assert dom.count('<article class="card">') == 2
    assert '<span class="badge positive">' in dom
    assert 'class="reading"' in dom
    assert 'class="for"' in dom
    assert 'class="error"' not in dom
