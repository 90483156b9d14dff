import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra app")
import uvicorn
from fastapi.testclient import TestClient

CARS = Path(__file__).parents[2] / "assets" / "zh_absa_cars"


@pytest.fixture
def served(absa, monkeypatch):
    """What the command hands to the server: the application, host and port."""

    def run(*arguments):
        calls = []
        monkeypatch.setattr(uvicorn, "run", lambda app, **kwargs: calls.append((app, kwargs)))
        assert absa("serve", CARS, *arguments).code == 0
        ((app, kwargs),) = calls
        return app, kwargs["host"], kwargs["port"]

    return run


def test_only_this_machine_is_served_unless_told(served):
    app, host, port = served()
    assert (host, port) == ("127.0.0.1", 8000)
    for name, status in {"127.0.0.1:8000": 200, "localhost:8000": 200, "evil.example": 400}.items():
        assert TestClient(app).get("/health", headers={"host": name}).status_code == status


def test_other_addresses_and_lists(served, tmp_path):
    (tmp_path / "names.txt").write_text("本田\n", encoding="utf-8")
    app, host, port = served("--host", "0.0.0.0", "--port", 9000, "--lexicon", "names.txt")
    assert (host, port) == ("0.0.0.0", 9000)
    assert TestClient(app).get("/lexicon", headers={"host": "a.example"}).text == "本田\t本田\n"


def test_how_often_one_address_may_ask(served):
    app, *_ = served("--per-minute", 2)
    statuses = [TestClient(app, base_url="http://localhost").get("/health") for _ in range(3)]
    assert [response.status_code for response in statuses] == [200, 200, 429]


def test_bad_input(refused, monkeypatch):
    assert "gone: cannot be loaded" in refused("serve", "gone")
    monkeypatch.setitem(sys.modules, "python_multipart", None)
    assert "python_multipart: pip install 'spacy-absa[app]'" in refused("serve", CARS)
