from spacy_absa.app.brands import count_brands


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
