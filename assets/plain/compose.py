"""Compose plain opinions by `grammar.json`: python compose.py NAMES N SEED > composed.jsonl

NAMES: patterns of the entity list, such as `../zh_cars.jsonl`.
"""

import json
import random
import re
import sys
from pathlib import Path

SLOT = re.compile(r"\{(\w+)\}")
# Half of the sentences hold names of at most so many characters, mostly those of makes.
SHORT = 3


def compose(grammar: dict, names: list[str], rng: random.Random) -> dict:
    """One sentence, its slots filled from left to right, and the opinions of its names."""
    sentences = grammar[rng.choice(["one", "several", "several"])]
    rest, opinions = rng.choice(list(sentences.items()))
    chosen = dict(zip("ABC", rng.sample(names, 3), strict=True))
    text, spans = "", []
    while slot := SLOT.search(rest):
        text, rest = text + rest[: slot.start()], rest[slot.end() :]
        key = slot[1]
        if key in chosen:
            spans.append([len(text), len(text) + len(chosen[key]), opinions[key]])
            text += chosen[key]
        else:
            rest = _filling(grammar, key, rng) + rest
    return {"text": text + rest, "spans": spans}


def _filling(grammar: dict, key: str, rng: random.Random) -> str:
    """What to put into a slot; `pos_a` takes a filling of `pos_x` that speaks of A."""
    stem, _, owner = key.rpartition("_")
    if not stem:
        return rng.choice(grammar[key])
    filling = rng.choice(grammar[f"{stem}_x"])
    filling = re.sub(r"\{(praise|blame|ask)\}", lambda slot: rng.choice(grammar[slot[1]]), filling)
    return filling.replace("{X}", f"{{{owner.upper()}}}")


def main(names: Path, n: int, seed: int) -> None:
    """Write `n` sentences to the standard output."""
    grammar = json.loads(Path(__file__).with_name("grammar.json").read_text(encoding="utf-8"))
    patterns = [json.loads(line)["pattern"] for line in names.open(encoding="utf-8")]
    short = [name for name in patterns if len(name) <= SHORT]
    rng = random.Random(seed)
    sys.stdout.reconfigure(encoding="utf-8")
    for _ in range(n):
        sentence = compose(grammar, rng.choice([patterns, short]), rng)
        print(json.dumps(sentence, ensure_ascii=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
