from spacy_absa.app.brands import MAX_BARS, brand_chart, count_brands


def test_an_id_and_a_name_spelled_like_it_are_two_brands():
    entities = [
        {"text": "宝马", "id": "bmw", "sentiment": "positive"},
        {"text": "BMW", "id": "", "sentiment": "negative"},
        {"text": "bmw", "id": "", "sentiment": "negative"},
    ]
    assert count_brands([{"entities": entities}]) == [
        {"name": "BMW", "mentions": 2, "sentiments": {"negative": 2}},
        {"name": "宝马", "mentions": 1, "sentiments": {"positive": 1}},
    ]


def test_the_chart_shows_the_first_brands_and_labels_of_ones_own():
    labels = [*"GEBDFCA", "negative", "positive"]
    brands = [
        {"name": str(i), "mentions": len(labels), "sentiments": dict.fromkeys(labels, 1)}
        for i in range(MAX_BARS + 1)
    ]
    bars = brand_chart(brands)["data"]
    assert [bar["name"] for bar in bars] == ["positive", "negative", *"ABCDEFG"]
    assert {tuple(bar["y"]) for bar in bars} == {tuple(str(i) for i in range(MAX_BARS))}
