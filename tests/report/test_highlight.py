import re

from spacy_absa.pipeline.annotations import DISPLACY_COLORS
from spacy_absa.report.highlight import highlight


def mark(start, end, label="POS", is_subject=True, score=0.979):
    return {"start": start, "end": end, "label": label, "is_subject": is_subject, "score": score}


def quote(text, marks, runs=()):
    explanation = [{"start": s, "end": e, "weight": w} for s, e, w in runs]
    return {"text": text, "marks": marks, "explanation": explanation}


def bare(html):
    return re.sub("<[^>]*>", "", re.sub("<small>.*?</small>", "", html)).strip()


def test_entities_have_the_colours_of_displacy_and_the_one_in_question_its_score():
    html = highlight(quote("本田比丰田好", [mark(0, 2), mark(3, 5, "NEG", False)]))
    assert re.findall(r'class="(\w+)" style="background: (#\w+)', html) == [
        ("subject", DISPLACY_COLORS["POS"]),
        ("other", DISPLACY_COLORS["NEG"]),
    ]
    # Cut, not rounded
    assert re.findall("<small>(.*?)</small>", html) == ["97 %"]


def test_everything_is_escaped():
    text = '<script>alert("1")</script>&本田'
    html = highlight(quote(text, [mark(0, 8, "<b>", True)]))
    assert "<script" not in html and "<b>" not in html
    assert "&lt;script&gt;" in html and "&amp;" in html


def test_explanations_are_underlined_by_weight_also_where_they_cross_an_entity():
    html = highlight(
        quote("我很喜欢本田车", [mark(4, 6)], [(2, 5, 0.6), (0, 1, -0.2), (6, 7, 0.01)])
    )
    pieces = re.findall(r"border-bottom: (\w+) (\w+) #\w+\">(.*?)<", html)
    assert pieces == [("1px", "dotted", "我"), ("3px", "solid", "喜欢"), ("3px", "solid", "本")]
    assert bare(html) == "我很喜欢本田车"
