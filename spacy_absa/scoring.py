"""The contest's measure, and better known ones, of rows of (sentence, view, opinion)."""

from typing import Any

from .data.contest import OPINIONS, Labels


def contest_scores(gold: Labels, predicted: Labels) -> dict[str, Any]:
    """Compare opinions by (sentence id, view) with the gold ones.

    ``tp`` counts views found with the right opinion, ``fp`` those with a wrong one, ``fn1``
    missed views and ``fn2`` superfluous ones. ``contest_f1`` is the measure of BDCI-2016, with
    P = tp / (tp + fp + fn2) and R = tp / (tp + fn1); ``micro_f1`` is over exact triples,
    ``macro_f1`` the mean F1 of the three opinions, ``view_f1`` over views alone,
    ``opinion_accuracy`` over the views found; ``per_opinion`` holds p, r and f1 of each. An
    undefined ratio is 0.
    """
    found = gold.keys() & predicted.keys()
    tp = sum(gold[key] == predicted[key] for key in found)
    fp = len(found) - tp
    fn1 = len(gold) - len(found)
    fn2 = len(predicted) - len(found)
    per_opinion = {
        opinion: _opinion_scores(gold, predicted, opinion) for opinion in OPINIONS.values()
    }
    return {
        "contest_f1": _f1(_ratio(tp, tp + fp + fn2), _ratio(tp, tp + fn1)),
        "micro_f1": _f1(_ratio(tp, len(predicted)), _ratio(tp, len(gold))),
        "macro_f1": sum(scores["f1"] for scores in per_opinion.values()) / len(per_opinion),
        "view_f1": _f1(_ratio(len(found), len(predicted)), _ratio(len(found), len(gold))),
        "opinion_accuracy": _ratio(tp, len(found)),
        "tp": tp,
        "fp": fp,
        "fn1": fn1,
        "fn2": fn2,
        "per_opinion": per_opinion,
    }


def _opinion_scores(gold: Labels, predicted: Labels, opinion: str) -> dict[str, float]:
    n_gold = sum(value == opinion for value in gold.values())
    found = [gold.get(key) == opinion for key, value in predicted.items() if value == opinion]
    p, r = _ratio(sum(found), len(found)), _ratio(sum(found), n_gold)
    return {"p": p, "r": r, "f1": _f1(p, r)}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _f1(p: float, r: float) -> float:
    return _ratio(2 * p * r, p + r)
