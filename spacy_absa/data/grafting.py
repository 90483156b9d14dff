"""New texts out of old ones: what reviews of other things say, said of the domain's entities."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ..decoding.lexicon import Lexicon
from ..types import CharSpan
from .augment import replace

_CLAUSE = re.compile(r".+?(?:[，。！？；：,!?;:…~～]+ ?| |$)")
# Shorter clauses of reviews say nothing of their own.
_LEAST_CHARS = 4
# How often a text of the domain comes before what is grafted onto it, not behind.
_HOST_FIRST = 0.75

Clauses = list[str]
Place = tuple[int, int]  # of a clause: number of the text, number in it


def grafts(
    texts: Sequence[str],
    reviews: Sequence[str],
    names: Lexicon,
    slots: Lexicon,
    rng: random.Random,
    comma: str = "，",
) -> Iterator[str]:
    """Texts without end, of two kinds in turn; the same one may come again.

    - clauses of a review about a word of `slots`, in the place of which there is a name;
    - clauses of a text with a name, beside clauses of a review with neither a name nor such a
      word. `comma` is put between them where the first ends without a mark.

    texts: of the domain. Names are chosen in proportion to the square root of how often they are
    in the texts. Ends at once where a kind has no material.
    """
    hosts, donors = (list(map(_clauses, those)) for those in (texts, reviews))
    named, slotted = _places(hosts, names), _places(donors, slots)
    taken = {*slotted, *_places(donors, names)}
    free = [
        (i, k)
        for i, clauses in enumerate(donors)
        for k, clause in enumerate(clauses)
        if (i, k) not in taken and len(clause) >= _LEAST_CHARS
    ]
    name_of = _chooser(texts, names, rng)
    allowed = set(free)
    while named and slotted and free:
        i, k = rng.choice(slotted)
        passage = donors[i][max(k - rng.randrange(3), 0) : k + 1 + rng.randrange(1, 4)]
        yield _rename("".join(passage), slots, name_of())
        i, k = rng.choice(named)
        host = "".join(hosts[i][max(k - rng.randrange(2), 0) : k + 1])
        graft = _run(donors, allowed, rng.choice(free), rng.randrange(1, 4))
        pair = (host, graft) if rng.random() < _HOST_FIRST else (graft, host)
        yield _join(*pair, comma)


def _clauses(text: str) -> Clauses:
    return _CLAUSE.findall(" ".join(text.split()))


def _places(texts: list[Clauses], lexicon: Lexicon) -> list[Place]:
    """The clauses that hold an entry."""
    places = [(i, k) for i, clauses in enumerate(texts) for k in range(len(clauses))]
    found = lexicon.find_all([texts[i][k] for i, k in places])
    return [places[number] for number in dict.fromkeys(found.text.tolist())]


def _chooser(texts: Sequence[str], names: Lexicon, rng: random.Random) -> Callable[[], str]:
    matches = names.find_all(texts).longest()
    places = zip(matches.text.tolist(), matches.start.tolist(), matches.end.tolist(), strict=True)
    counts = Counter(texts[i][start:end] for i, start, end in places)
    spellings, weights = list(counts), [n**0.5 for n in counts.values()]
    return lambda: rng.choices(spellings, weights)[0]


def _rename(passage: str, slots: Lexicon, name: str) -> str:
    [matches] = slots.find_all([passage]).longest()
    places = [CharSpan(match.start, match.end, "") for match in matches]
    return replace(passage, places, lambda place: name)[0]


def _run(texts: list[Clauses], allowed: set[Place], place: Place, n: int) -> str:
    """A clause and those behind it, up to `n`, as long as they are allowed."""
    i, k = place
    end = next(e for e in range(k + 1, k + n + 1) if e == k + n or (i, e) not in allowed)
    return "".join(texts[i][k:end])


def _join(left: str, right: str, comma: str) -> str:
    return left + right if re.search(r"[^\w\s] ?$", left) else left.rstrip() + comma + right
