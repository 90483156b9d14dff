"""Projects for a domain of one's own: project.yml and configs, sized by the amount of text."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import srsly
from spacy.util import get_lang_class
from thinc.api import Config

CONFIGS = Path(__file__).parent / "configs"
# Characters of raw text below which the networks are the small ones.
SMALL = 500_000
MIN_STEPS, MAX_STEPS = 300, 5_000
# Of the raw texts, to measure the language model on; more than in the config, for small corpora.
LM_DEV_SHARE = 0.05


@dataclass(frozen=True)
class Sources:
    """The user's own data: absolute paths, `text` also a folder or a glob."""

    lang: str
    text: Path
    labels: Path  # what `spacy absa convert` reads; Label.csv with `sentences`, its Train.csv
    sentences: Path | None = None
    dev: Path | None = None  # as `labels`
    lexicon: Path | None = None
    vectors: str | None = None  # a pipeline with vectors and a tok2vec: folder or package
    column: str | None = None


class Amounts(NamedTuple):
    """How much of it there is."""

    text_chars: int
    texts: int  # labelled
    chars: int  # in the labelled texts
    tokens: int


class Network(NamedTuple):
    """Widths of the layers and learning rates."""

    vector_width: int
    width: int
    lm_rate: float
    tagger_rate: float


# As in the demo project, and as in the configs.
SMALL_NETWORK = Network(64, 64, 0.01, 0.005)
LARGE_NETWORK = Network(128, 192, 0.005, 0.002)


def dev_share(n_texts: int) -> float:
    """The share of the labelled texts to hold out: a fifth if they are few, else a tenth."""
    return 0.2 if n_texts < 1_000 else 0.1


def write_project(folder: Path, sources: Sources, amounts: Amounts, examples: list[str]) -> None:
    """Make the folder: project.yml, the configs, and `examples.txt`, texts to try the result on.

    The rule: below 500,000 characters of raw text the small network of the demo, from there on
    the one of the configs; 4 passes over the raw text and 9 over the labelled (17 where there are
    vectors of words), but 300 steps at least and 5,000 at most. Where tokens are words, the tagger
    has a layer that reads them.
    """
    configs = folder / "configs"
    configs.mkdir(parents=True)
    network = SMALL_NETWORK if amounts.text_chars < SMALL else LARGE_NETWORK
    if sources.vectors is None:
        _write(configs / "char_lm.cfg", _char_lm(sources, amounts, network))
        _write(configs / "tagger.cfg", _tagger(sources, amounts, network))
    else:
        _write(configs / "tagger.cfg", _word_tagger(sources, amounts))
    srsly.write_yaml(folder / "project.yml", _project(sources, amounts))
    (folder / "examples.txt").write_text("".join(f"{text}\n" for text in examples), "utf-8")


def _char_lm(sources: Sources, amounts: Amounts, network: Network) -> Config:
    config = _load("char_lm.cfg", sources.lang)
    _set_widths(config["components"]["char_lm"]["model"]["charlm"], network)
    for corpus in config["corpora"].values():
        corpus["column"] = sources.column
        corpus["dev_share"] = LM_DEV_SHARE
    _set_training(config, 4 * amounts.text_chars, amounts, network.lm_rate)
    return config


def _tagger(sources: Sources, amounts: Amounts, network: Network) -> Config:
    config = _load("tagger.cfg", sources.lang)
    model = config["components"]["absa_gru"]["model"]
    _set_widths(model["charlm"], network)
    model["encoder"]["width"] = network.width
    if amounts.chars > 2 * amounts.tokens:  # words, not characters
        words = _load("tagger_words.cfg", sources.lang)["components"]["absa_gru"]["model"]["words"]
        model["words"] = words["*"]["own"]
        model["words"]["embed"]["include_static_vectors"] = False
    _set_training(config, 9 * amounts.chars, amounts, network.tagger_rate)
    return config


def _word_tagger(sources: Sources, amounts: Amounts) -> Config:
    config = _load("tagger_words.cfg", sources.lang)
    if sources.lexicon is not None:
        tagger = _load("tagger.cfg", sources.lang)
        config["paths"]["lexicon"] = None
        initialize = config["initialize"]["components"]["absa_gru"]
        initialize["lexicon"] = tagger["initialize"]["components"]["absa_gru"]["lexicon"]
    _set_steps(config, 17 * amounts.tokens)
    return config


def _load(name: str, lang: str) -> Config:
    """One of the package's configs, for a language; not interpolated."""
    config = Config().from_disk(CONFIGS / name, interpolate=False)
    if config["nlp"]["lang"] != lang:
        config["nlp"]["lang"] = lang
        # Those of the language; `spacy debug` does not fill them in.
        config["nlp"]["tokenizer"] = get_lang_class(lang).default_config["nlp"]["tokenizer"]
        config["initialize"]["tokenizer"] = {}
    return config


def _set_widths(charlm: dict[str, Any], network: Network) -> None:
    charlm["vector_width"] = network.vector_width
    charlm["width"] = network.width


def _set_training(config: Config, chars: int, amounts: Amounts, rate: float) -> None:
    """Train on so many characters; the configs measure a batch in characters, spaCy in tokens."""
    _set_steps(config, chars)
    batcher = config["training"]["batcher"]
    batcher["size"] = round(batcher["size"] * amounts.tokens / amounts.chars)
    config["training"]["optimizer"]["learn_rate"]["initial_rate"] = rate


def _set_steps(config: Config, size: int) -> None:
    """As many steps as have this size in all."""
    training = config["training"]
    steps = min(max(size // training["batcher"]["size"], MIN_STEPS), MAX_STEPS)
    training["max_steps"] = steps
    training["patience"] = steps
    training["eval_frequency"] = steps // 5
    schedule = training["optimizer"]["learn_rate"]
    schedule["warmup_steps"] = steps // 20
    # No reference to max_steps: spaCy's `resume_training` and `debug data` do not resolve it.
    schedule["total_steps"] = steps


def _write(path: Path, config: Config) -> None:
    path.write_text(config.to_str(interpolate=False) + "\n", "utf-8")


def _project(sources: Sources, amounts: Amounts) -> dict[str, Any]:
    """The contents of project.yml."""
    given = {
        name: str(value)
        for name, value in vars(sources).items()
        if value is not None and name != "column"
    }
    commands = [
        *(_lm_commands(sources) if sources.vectors is None else ()),
        *_convert_commands(sources, dev_share(amounts.texts)),
        *(_lexicon_command() if _collects_lexicon(sources) else ()),
        _tagger_command(sources),
        *_last_commands(),
    ]
    return {
        "title": "Entity-level sentiment for a domain of one's own",
        "description": (
            f"Made by `spacy absa init-project` for {amounts.text_chars:,} characters of raw text "
            f"and {amounts.texts:,} labelled texts. Sizes and steps stand in `configs/`."
        ),
        "vars": {"name": "absa", "version": "0.1.0", "seed": 0, "gpu_id": -1, **given},
        "directories": ["configs", "corpus", "training", "metrics", "packages"],
        "workflows": {"all": [command["name"] for command in commands]},
        "commands": commands,
    }


def _collects_lexicon(sources: Sources) -> bool:
    return sources.lexicon is None and sources.vectors is None


def _lm_commands(sources: Sources) -> list[dict[str, Any]]:
    column = f' --column "{sources.column}"' if sources.column else ""
    return [
        _command(
            "alphabet",
            "Count the characters of the raw texts",
            f'python -m spacy absa alphabet corpus/alphabet.json "${{vars.text}}"{column}',
            deps=_text_deps(sources),
            outputs=["corpus/alphabet.json"],
        ),
        _command(
            "char-lm",
            "Train the character language model on the raw texts",
            "python -m spacy train configs/char_lm.cfg --output training/char_lm "
            '--paths.texts "${vars.text}" --paths.alphabet corpus/alphabet.json '
            "--system.seed ${vars.seed} --gpu-id ${vars.gpu_id}",
            deps=["configs/char_lm.cfg", *_text_deps(sources), "corpus/alphabet.json"],
            outputs=["training/char_lm/model-best"],
        ),
    ]


def _text_deps(sources: Sources) -> list[str]:
    """A glob is no file that could be watched."""
    return ["${vars.text}"] if sources.text.exists() else []


def _convert_commands(sources: Sources, share: float) -> list[dict[str, Any]]:
    pair = sources.sentences is not None
    inputs = '"${vars.sentences}"' if pair else '"${vars.labels}"'
    labels = ' --labels "${vars.labels}"' if pair else ""
    split = "" if sources.dev else f" --dev corpus/dev.spacy --dev-share {share}"
    commands = [
        _command(
            "convert",
            "Find the labelled names in their texts",
            f"python -m spacy absa convert {inputs} corpus/train/gold.spacy --lang ${{vars.lang}}"
            f"{labels}{split} --report corpus/not_used.tsv",
            # Of a list that is nothing but two variables confection makes one string.
            deps=[*([str(sources.sentences)] if pair else []), "${vars.labels}"],
            outputs=["corpus/train/gold.spacy", *([] if sources.dev else ["corpus/dev.spacy"])],
        )
    ]
    if sources.dev:
        commands.append(
            _command(
                "convert-dev",
                "The same for the development data",
                'python -m spacy absa convert "${vars.dev}" corpus/dev.spacy --lang ${vars.lang}',
                deps=["${vars.dev}"],
                outputs=["corpus/dev.spacy"],
            )
        )
    return commands


def _lexicon_command() -> list[dict[str, Any]]:
    return [
        _command(
            "lexicon",
            "Collect the labelled names, as there is no entity list",
            "python -m spacy absa lexicon corpus/train corpus/lexicon.jsonl --min-count 1",
            deps=["corpus/train"],
            outputs=["corpus/lexicon.jsonl"],
        )
    ]


def _tagger_command(sources: Sources) -> dict[str, Any]:
    deps = ["configs/tagger.cfg", "corpus/train", "corpus/dev.spacy"]
    paths = "--paths.train corpus/train --paths.dev corpus/dev.spacy"
    if sources.vectors is None:
        deps.append("training/char_lm/model-best")
        paths += " --paths.char_lm training/char_lm/model-best"
    else:
        paths += ' --paths.vectors "${vars.vectors}"'
    if sources.lexicon is not None:
        deps.append("${vars.lexicon}")
        paths += ' --paths.lexicon "${vars.lexicon}"'
    elif _collects_lexicon(sources):
        deps.append("corpus/lexicon.jsonl")
        paths += " --paths.lexicon corpus/lexicon.jsonl"
    return _command(
        "tagger",
        "Train the tagger",
        f"python -m spacy train configs/tagger.cfg --output training/tagger {paths} "
        "--system.seed ${vars.seed} --gpu-id ${vars.gpu_id}",
        deps=deps,
        outputs=["training/tagger/model-best"],
    )


def _last_commands() -> list[dict[str, Any]]:
    pipeline = "training/final"
    package = "${vars.lang}_${vars.name}-${vars.version}"
    return [
        _command(
            "calibrate",
            "Calibrate the reported probabilities",
            "python -m spacy absa calibrate training/tagger/model-best corpus/dev.spacy "
            f"{pipeline} --gpu-id ${{vars.gpu_id}}",
            deps=["training/tagger/model-best", "corpus/dev.spacy"],
            outputs=[pipeline],
        ),
        _command(
            "evaluate",
            "Score the pipeline on the development data",
            f"python -m spacy evaluate {pipeline} corpus/dev.spacy --output metrics/dev.json "
            "--per-component --gpu-id ${vars.gpu_id}",
            deps=[pipeline, "corpus/dev.spacy"],
            outputs=["metrics/dev.json"],
        ),
        _command(
            "package",
            "Make an installable package of the pipeline",
            f"python -m spacy package {pipeline} packages --name ${{vars.name}} --version "
            "${vars.version} --build sdist --force",
            deps=[pipeline],
            outputs_no_cache=[f"packages/{package}"],
        ),
        _command(
            "predict",
            "Show entities and sentiments of examples.txt",
            f"python -m spacy absa predict {pipeline} examples.txt --gpu-id ${{vars.gpu_id}}",
            deps=[pipeline, "examples.txt"],
        ),
    ]


def _command(name: str, help_text: str, script: str, **files: Iterable[str]) -> dict[str, Any]:
    return {"name": name, "help": help_text, "script": [script], **files}
