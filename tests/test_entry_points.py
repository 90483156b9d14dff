"""What `pip install` registers; each in a fresh process that imports nothing but spaCy."""

import configparser
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import spacy

ROOT = Path(__file__).parents[1]


def declared():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf8")
    for group, lines in config["options.entry_points"].items():
        for line in lines.strip().splitlines():
            name, target = line.split(" = ")
            yield pytest.param(group, name, target, id=f"{group}:{name}")


@pytest.mark.parametrize(("group", "name", "target"), declared())
def test_every_entry_point_is_installed_and_loads(group, name, target):
    (entry,) = (e for e in entry_points(group=group) if e.name == name)
    assert entry.value == target
    assert entry.load() is not None


def test_spacy_finds_what_the_configs_name():
    registries = ("architectures", "callbacks", "misc", "readers", "scorers", "tokenizers")
    known = {
        name for registry in registries for name in getattr(spacy.registry, registry).get_all()
    }
    named = {
        line.split('"')[1]
        for config in (ROOT / "configs").glob("*.cfg")
        for line in config.read_text(encoding="utf8").splitlines()
        if '"spacy_absa.' in line
    }
    assert len(named) > 8
    assert named <= known


@pytest.mark.parametrize("component", ["absa_gru", "absa_polarity", "char_hints", "char_lm"])
def test_add_pipe_works_without_an_import(component):
    code = f"import spacy; print(spacy.blank('zh').add_pipe({component!r}).name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == component
