import json
import shlex
import sys
from pathlib import Path

import pytest
import spacy
import srsly
import weasel.cli.run
from spacy.cli._util import app
from spacy.tokens import DocBin
from spacy.util import load_config, load_model_from_config
from thinc.api import Config
from typer.testing import CliRunner
from weasel.util import load_project_config

from spacy_absa.decoding.calibration import Calibration
from spacy_absa.projects import CONFIGS, Amounts, Sources, write_project

ROOT = Path(__file__).parents[2]
TEXTS = {
    f"我{verb}{name}{i}号": label
    for i, (verb, name, label) in enumerate([("喜欢", "本田", "POS"), ("讨厌", "丰田", "NEG")] * 60)
}


@pytest.fixture
def data(tmp_path):
    """Raw texts `raw.txt`, and the same labelled, `gold.jsonl`."""
    (tmp_path / "raw.txt").write_text("\n".join(TEXTS), encoding="utf8")
    lines = [json.dumps({"text": text, "spans": [[3, 5, label]]}) for text, label in TEXTS.items()]
    (tmp_path / "gold.jsonl").write_text("\n".join(lines), encoding="utf8")
    return ["--text", "raw.txt", "--labels", "gold.jsonl"]


@pytest.fixture
def in_process(monkeypatch):
    """Let projects run their commands in this process, which need not start spaCy each time."""

    def run(command, **kwargs):
        assert command[:3] == [sys.executable, "-m", "spacy"]
        result = CliRunner().invoke(app, command[3:])
        assert result.exit_code == 0, f"{shlex.join(command)}\n{result.output}{result.exception}"

    monkeypatch.setattr(weasel.cli.run, "run_command", run)


def shorten(config_path, steps):
    config = Config().from_disk(config_path, interpolate=False)
    config["training"]["max_steps"] = config["training"]["eval_frequency"] = steps
    config["training"]["batcher"]["size"] = 200
    config.to_disk(config_path)


def test_a_project_goes_from_the_users_files_to_a_package(absa, data, in_process, tmp_path):
    result = absa("init-project", "cars", *data)
    assert result.code == 0
    assert "120 labelled texts" in " ".join(result.out.split())
    for name in ("char_lm", "tagger"):
        shorten(tmp_path / f"cars/configs/{name}.cfg", 30)
    weasel.cli.run.project_run(tmp_path / "cars", "all")
    nlp = spacy.load(tmp_path / "cars/training/final")
    absa_gru = nlp.get_pipe("absa_gru")
    assert absa_gru.calibration != Calibration()
    assert absa_gru.labels == ("NEG", "POS")
    assert {entry.pattern for entry in absa_gru.lexicon.entries} == {"本田", "丰田"}
    scores = srsly.read_json(tmp_path / "cars/metrics/dev.json")
    assert scores["absa_gru"]["absa_f"] > 0.5
    assert list(tmp_path.glob("cars/packages/zh_absa-0.1.0/dist/*.tar.gz"))


def test_the_configs_are_those_of_the_repository():
    assert CONFIGS.resolve() == ROOT / "configs"


@pytest.fixture
def written(tmp_path):
    """Write a project for so much text; its configs, interpolated, and its project.yml."""

    def write(amounts, **sources):
        files = {"lang": "zh", "text": tmp_path, "labels": tmp_path / "g.jsonl", **sources}
        write_project(tmp_path / "p", Sources(**files), amounts, ["好"])
        paths = (tmp_path / "p/configs").glob("*.cfg")
        configs = {path.stem: Config().from_disk(path) for path in paths}
        return configs, srsly.read_yaml(tmp_path / "p/project.yml")

    return write


def without_factory(component):
    return {key: value for key, value in component.items() if key != "factory"}


def script(project, name):
    (found,) = (c["script"][0] for c in project["commands"] if c["name"] == name)
    return found


def test_much_text_gets_the_network_of_the_configs_and_as_many_passes(written):
    configs, _ = written(Amounts(1_500_000, 10_000, 500_000, 500_000))
    lm, tagger = configs["char_lm"]["training"], configs["tagger"]["training"]
    assert lm["max_steps"] == 4 * 1_500_000 // 3000
    assert tagger["max_steps"] == 9 * 500_000 // 2000
    assert tagger["eval_frequency"] == tagger["max_steps"] // 5
    rates = tagger["optimizer"]["learn_rate"]
    assert rates["total_steps"] == tagger["max_steps"] == 20 * rates["warmup_steps"] + 10
    default = Config().from_disk(CONFIGS / "tagger.cfg")
    assert configs["tagger"]["components"] == default["components"]
    assert configs["tagger"]["nlp"] == default["nlp"]


@pytest.mark.parametrize(("text_chars", "width"), [(499_999, 64), (500_000, 192)])
def test_from_half_a_million_characters_on_the_network_is_large(written, text_chars, width):
    configs, _ = written(Amounts(text_chars, 200, 10_000, 10_000))
    assert configs["tagger"]["components"]["absa_gru"]["model"]["charlm"]["width"] == width


@pytest.mark.parametrize("lang", ["zh", "de"])
def test_spacy_reads_the_configs_without_filling_them_in(written, lang, tmp_path):
    """As `spacy debug data` does, and `nlp.resume_training` of a pipeline made with them."""
    written(Amounts(20_000, 200, 10_000, 2_000), lang=lang)
    for path in (tmp_path / "p/configs").iterdir():
        config = load_config(path, interpolate=False)
        nlp = load_model_from_config(config, auto_fill=False, validate=True)
        assert nlp.lang == lang
        assert nlp.create_optimizer()


def test_little_text_gets_the_small_network_and_the_least_steps(written):
    configs, project = written(Amounts(20_000, 200, 10_000, 10_000))
    sizes = [
        configs["char_lm"]["components"]["char_lm"]["model"]["charlm"],
        configs["tagger"]["components"]["absa_gru"]["model"]["charlm"],
    ]
    assert [(s["vector_width"], s["width"]) for s in sizes] == [(64, 64)] * 2
    assert configs["tagger"]["training"]["max_steps"] == 300
    assert "--dev-share 0.2" in script(project, "convert")


def test_words_get_a_layer_of_their_own_and_batches_in_tokens(written):
    configs, _ = written(Amounts(600_000, 3_000, 200_000, 40_000), lang="en")
    model = configs["tagger"]["components"]["absa_gru"]["model"]
    assert model["words"]["embed"]["include_static_vectors"] is False
    assert configs["tagger"]["training"]["batcher"]["size"] == 2000 // 5
    assert configs["tagger"]["training"]["max_steps"] == 9 * 40_000 // 400
    assert configs["tagger"]["nlp"]["lang"] == "en"
    tagger = configs["tagger"]["components"]["absa_gru"]
    assert spacy.blank("en").add_pipe("absa_gru", config=without_factory(tagger))


def test_with_vectors_there_is_no_language_model(written, tmp_path):
    configs, project = written(
        Amounts(600_000, 3_000, 200_000, 40_000),
        lang="en",
        vectors="en_core_web_md",
        lexicon=tmp_path / "names.txt",
    )
    assert set(configs) == {"tagger"}
    assert configs["tagger"]["training"]["max_steps"] == 17 * 40_000 // 800
    assert project["workflows"]["all"][0] == "convert"
    assert '--paths.vectors "${vars.vectors}"' in script(project, "tagger")
    assert '--paths.lexicon "${vars.lexicon}"' in script(project, "tagger")
    assert project["vars"]["lexicon"] == str(tmp_path / "names.txt")


def test_contest_files_and_development_data(written, tmp_path):
    sources = {"sentences": tmp_path / "Train.csv", "dev": tmp_path / "dev.jsonl"}
    _, project = written(Amounts(600_000, 3_000, 200_000, 200_000), **sources)
    convert = shlex.split(script(project, "convert"))
    assert convert[5:7] == ["${vars.sentences}", "corpus/train/gold.spacy"]
    assert convert[convert.index("--labels") + 1] == "${vars.labels}"
    assert "--dev" not in convert
    loaded = {c["name"]: c for c in load_project_config(tmp_path / "p")["commands"]}
    assert loaded["convert"]["deps"] == [str(tmp_path / "Train.csv"), str(tmp_path / "g.jsonl")]
    assert loaded["convert-dev"]["deps"] == [str(tmp_path / "dev.jsonl")]
    assert "corpus/dev.spacy" in script(project, "convert-dev")


@pytest.mark.parametrize("option", ["--labels", "--dev"])
def test_the_export_of_an_annotation_tool(absa, data, in_process, tmp_path, option):
    lines = [json.dumps({"text": text, "label": [[3, 5, label]]}) for text, label in TEXTS.items()]
    (tmp_path / "doccano.jsonl").write_text("\n".join(lines), encoding="utf8")
    assert absa("init-project", "cars", *data, option, "doccano.jsonl").code == 0
    step, output = {
        "--labels": ("convert", "train/gold.spacy"),
        "--dev": ("convert-dev", "dev.spacy"),
    }[option]
    weasel.cli.run.project_run(tmp_path / "cars", step)
    docs = DocBin().from_disk(tmp_path / "cars/corpus" / output).get_docs(spacy.blank("zh").vocab)
    assert {(doc.text, doc.ents[0].label_) for doc in docs} <= set(TEXTS.items())


def test_a_path_that_no_project_can_name(refused, data, tmp_path):
    (tmp_path / "cash$dir").mkdir()
    odd = tmp_path / "cash$dir/gold.jsonl"
    odd.write_bytes((tmp_path / "gold.jsonl").read_bytes())
    assert "no path with a $" in refused("init-project", "hotels", *data[:-1], odd)


def test_bad_input(refused, data, tmp_path):
    (tmp_path / "Label.csv").write_text("SentenceId\tView\tOpinion\n")
    (tmp_path / "few.jsonl").write_text('{"text": "本田", "spans": [[0, 2, "POS"]]}\n')
    (tmp_path / "few.txt").write_text("本田\n")
    (tmp_path / "bad.jsonl").write_text('{"text": "本田"}\n')
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    (tmp_path / "none.jsonl").write_text(
        "\n".join(f'{{"text": "{t}", "spans": []}}' for t in TEXTS)
    )
    text, labels = data[:2], data[2:]
    assert "no labelled entity" in refused("init-project", "p", *text, "--labels", "none.jsonl")
    none = ["--dev", "none.jsonl"]
    assert "none.jsonl: no labelled entity to evaluate" in refused(
        "init-project", "p", *data, *none
    )
    assert "full: exists already" in refused("init-project", "full", *data)
    assert "gone.jsonl: cannot be read" in refused(
        "init-project", "p", *text, "--labels", "gone.jsonl"
    )
    assert "gone.txt: cannot be read" in refused("init-project", "p", "--text", "gone.txt", *labels)
    assert "need --sentences" in refused("init-project", "p", *text, "--labels", "Label.csv")
    assert 'no "spans"' in refused("init-project", "p", *text, "--labels", "bad.jsonl")
    assert "too few labelled texts (1)" in refused(
        "init-project", "p", *text, "--labels", "few.jsonl"
    )
    assert "too little text" in refused("init-project", "p", "--text", "few.txt", *labels)
    assert "--lang klingon" in refused("init-project", "p", *data, "--lang", "klingon")
    assert "--vectors gone: cannot be loaded" in refused(
        "init-project", "p", *data, "--vectors", "gone"
    )
    assert "names.txt: cannot be read" in refused(
        "init-project", "p", *data, "--lexicon", "names.txt"
    )
