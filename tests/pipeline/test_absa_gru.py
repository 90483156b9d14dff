import numpy
import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_absa.decoding.calibration import Calibration
from spacy_absa.errors import InputError
from spacy_absa.lexicon import Lexicon, LexiconEntry
from spacy_absa.models.tagger import charlms
from spacy_absa.pipeline.annotations import Mention

from .conftest import GOLD, TINY, examples_of, train

BONUS = {"NEG": 0.3}
BRANDS = Lexicon([LexiconEntry("宝马", "bmw"), LexiconEntry("本田", "honda")])


def found(doc):
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def test_it_learns_and_describes_what_it_finds(trained):
    for text, spans in GOLD.items():
        doc = trained(text)
        assert found(doc) == spans
        for ent, entry in zip(doc.ents, doc._.absa, strict=True):
            assert sum(ent._.sentiment_scores.values()) == pytest.approx(1)
            assert 0 < ent._.absa_score <= 1
            assert text[entry["start"] : entry["end"]] == entry["text"] == ent.text
        # left to the components behind it
        assert {token.ent_iob_ for token in doc if not token.ent_type_} == {"O"}
    assert [ent._.sentiment for ent in trained("我喜欢本田，我不喜欢丰田").ents] == [
        "positive",
        "negative",
    ]


def test_a_saved_pipeline_gives_equal_values(trained, with_config, tmp_path):
    trained.to_disk(tmp_path)
    for loaded in (spacy.load(tmp_path), with_config()):
        for text in GOLD:
            assert loaded(text)._.absa == trained(text)._.absa


def test_batch_mates_do_not_matter(trained):
    pipe = trained.get_pipe("absa_gru")
    docs = [trained.make_doc(text) for text in [*GOLD, ""]]
    together = pipe.model.predict(docs).scores
    for doc, scores in zip(docs, together, strict=True):
        if len(doc):
            assert numpy.abs(pipe.model.predict([doc]).scores[0] - scores).max() < 1e-5


def test_pipe_with_processes_equals_one_call_after_another(trained):
    texts = [*GOLD, ""] * 3
    one_by_one = [trained(text)._.absa for text in texts]
    for options in ({"batch_size": 2}, {"batch_size": 4, "n_process": 2}):
        piped = [doc._.absa for doc in trained.pipe(texts, **options)]
        for entries, expected in zip(piped, one_by_one, strict=True):
            assert [e["label"] for e in entries] == [e["label"] for e in expected]
            scores = [e["score"] for e in entries]
            assert scores == pytest.approx([e["score"] for e in expected], abs=1e-5)


def test_the_lexicon_is_forced_gives_ids_and_is_saved(with_config, tmp_path):
    nlp = with_config(lexicon_mode="force")
    nlp.get_pipe("absa_gru").set_lexicon(BRANDS)
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        assert [e.text for e in pipeline("我喜欢本田，我不喜欢丰田").ents] == ["本田"]
        (ent,) = pipeline("店里有宝马").ents
        assert (ent.text, ent.kb_id_) == ("宝马", "bmw")
        assert pipeline("店里有ＢＭＷ").ents == ()


def test_the_lexicon_is_an_input(with_config):
    nlp = with_config()
    pipe, doc = nlp.get_pipe("absa_gru"), nlp.make_doc("店里有宝马")
    (before,) = pipe.model.predict([doc]).scores
    pipe.set_lexicon(BRANDS)
    (after,) = pipe.model.predict([doc]).scores
    assert numpy.abs(after - before).max() > 1e-3
    loaded = with_config().from_bytes(nlp.to_bytes())
    assert loaded.get_pipe("absa_gru").model.predict([doc]).scores[0].tolist() == after.tolist()


def test_docbin_and_json_keep_the_attributes(trained):
    doc = trained("丰田不错")
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (again,) = DocBin().from_bytes(data).get_docs(trained.vocab)
    assert list(again._.absa) == doc._.absa
    assert doc.to_json(underscore=["absa"])["_"]["absa"] == doc._.absa


def test_a_threshold_leaves_out_the_unsure(trained, with_config):
    text = "我喜欢本田，我不喜欢丰田"
    low, high = sorted(ent._.absa_score for ent in trained(text).ents)
    doc = with_config(threshold=(low + high) / 2)(text)
    assert [entry["score"] for entry in doc._.absa] == pytest.approx([high])


def test_a_calibration_changes_the_probabilities_alone_and_is_saved(trained, with_config):
    text = "我喜欢本田，我不喜欢丰田"
    nlp = with_config()
    nlp.get_pipe("absa_gru").calibration = Calibration(slope=0.5, offset=-1.0, temperature=2.0)
    loaded = with_config().from_bytes(nlp.to_bytes())
    before, after = trained(text), loaded(text)
    assert found(before) == found(after)
    assert nlp(text)._.absa == after._.absa
    for one, other in zip(before.ents, after.ents, strict=True):
        odds, fitted = (s / (1 - s) for s in (one._.absa_score, other._.absa_score))
        assert fitted == pytest.approx(odds**0.5 / numpy.e)
        ratio, softened = (
            s["POS"] / s["NEG"] for s in (one._.sentiment_scores, other._.sentiment_scores)
        )
        assert softened == pytest.approx(ratio**0.5)
        assert sum(other._.sentiment_scores.values()) == pytest.approx(1)


def test_two_instances_write_to_ents_and_to_a_span_group(trained):
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", source=trained)
    nlp.add_pipe("absa_gru", "second", config={"model": TINY, "spans_key": "second"})
    second = nlp.get_pipe("second")
    second.from_bytes(trained.get_pipe("absa_gru").to_bytes())
    second.lexicon_mode = "force"
    doc = nlp("丰田不错")
    assert found(doc) == [(0, 2, "POS")]
    assert list(doc.spans["second"]) == []
    second.lexicon_mode = "off"
    doc = nlp("丰田不错")
    (span,) = doc.spans["second"]
    assert (span.text, span._.sentiment) == ("丰田", "positive")


def test_a_span_group_can_be_learned():
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY, "spans_key": "absa"})
    examples = []
    for text, spans in GOLD.items():
        reference = nlp.make_doc(text)
        reference.spans["absa"] = [reference.char_span(s, e, label) for s, e, label in spans]
        examples.append(Example(nlp.make_doc(text), reference))
    train(nlp, examples, 60)
    doc = nlp("我喜欢本田，我不喜欢丰田")
    assert [(span.text, span.label_) for span in doc.spans["absa"]] == [
        ("本田", "POS"),
        ("丰田", "NEG"),
    ]
    assert nlp.evaluate(examples)["absa_f"] == 1


def test_the_id_of_an_entity_that_is_replaced_goes_with_it(with_config):
    nlp = with_config()
    ruler = nlp.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "PAIR", "pattern": "店里有宝马", "id": "shop"}])
    doc = nlp("店里有宝马")
    (entity,) = doc.ents
    assert (entity.text, entity.id_) == ("宝马", "")
    assert {token.ent_id_ for token in doc} == {""}


@pytest.mark.parametrize(
    ("overwrite", "expected"),
    [(True, ["一", "丰田"]), (False, ["一", "看丰"])],
)
def test_overwrite_decides_over_entities_that_are_there(with_config, overwrite, expected):
    nlp = with_config(overwrite=overwrite)
    doc = nlp.make_doc("一看丰田不错")
    doc.ents = [Span(doc, 0, 1, "X"), Span(doc, 1, 3, "X")]
    pipe = nlp.get_pipe("absa_gru")
    mentions = pipe.predict([nlp.make_doc("丰田不错")])[0]
    shifted = [type(m)(**{**vars(m), "start": m.start + 2, "end": m.end + 2}) for m in mentions]
    pipe.set_annotations([doc], [shifted])
    assert [ent.text for ent in doc.ents] == expected
    assert [entry["text"] for entry in doc._.absa] == expected[1:] * overwrite


def test_beside_entities_that_stay_others_are_found(with_config):
    nlp = with_config(overwrite=False)
    doc = nlp.make_doc("我喜欢本田，我不喜欢丰田")
    doc.ents = [Span(doc, 3, 5, "X")]
    assert found(nlp(doc)) == [(3, 5, "X"), (10, 12, "NEG")]


def test_a_label_of_ones_own_is_its_own_sentiment(trained):
    doc = trained.make_doc("丰田不错")
    mention = Mention("丰田", 0, 2, "MIXED", {"MIXED": 1.0}, 0.9)
    trained.get_pipe("absa_gru").set_annotations([doc], [[mention]])
    assert doc.ents[0]._.sentiment == doc._.absa[0]["sentiment"] == "MIXED"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("strict", []), ("contract", []), ("expand", ["喜欢本田"])],
)
def test_characters_become_tokens_as_configured(with_config, mode, expected):
    nlp = with_config(alignment_mode=mode)
    doc = Doc(nlp.vocab, words=["我", "喜欢本田"], spaces=[False, False])
    assert [ent.text for ent in nlp(doc).ents] == expected


def test_contraction_keeps_the_whole_tokens_inside(with_config):
    nlp = with_config(alignment_mode="contract")
    doc = Doc(nlp.vocab, words=["我喜欢", "本", "田，我"], spaces=[False] * 3)
    assert [ent.text for ent in nlp(doc).ents] == ["本"]


@pytest.mark.parametrize("segmenter", ["char", "jieba"])
def test_the_tokenizer_changes_nothing_but_the_tokens(segmenter):
    config = {"nlp": {"tokenizer": {"segmenter": segmenter}}}
    nlp = spacy.blank("zh", config=config)
    nlp.add_pipe("absa_gru", config={"model": TINY})
    train(nlp, examples_of(nlp), 80)
    assert (len(nlp.make_doc("我喜欢本田")) == 5) == (segmenter == "char")
    assert found(nlp("店里有宝马")) == [(3, 5, "NEU")]


def test_pkuseg_words(tmp_path):
    # Its own models are downloads: one that knows two sentences will do (ten times, or it fails).
    spacy_pkuseg = pytest.importorskip("spacy_pkuseg")
    words = tmp_path / "words.txt"
    words.write_text("我 喜欢 本田\n店里 有 宝马\n" * 10, encoding="utf8")
    spacy_pkuseg.train(str(words), str(words), str(tmp_path / "model"), train_iter=3)
    initialize = {"pkuseg_model": str(tmp_path / "model")}
    tokenizer = {"segmenter": "pkuseg"}
    config = {"nlp": {"tokenizer": tokenizer}, "initialize": {"tokenizer": initialize}}
    nlp = spacy.blank("zh", config=config)
    nlp.tokenizer.initialize(**initialize)
    nlp.add_pipe("absa_gru", config={"model": TINY})
    train(nlp, examples_of(nlp), 80)
    assert [token.text for token in nlp.make_doc("店里有宝马")] == ["店里", "有", "宝马"]
    assert found(nlp("店里有宝马")) == [(3, 5, "NEU")]


def test_english_words():
    nlp = spacy.blank("en")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    gold = {
        "The battery life is great, the hard drive is not.": [(4, 16, "POS"), (31, 41, "NEG")],
        "I bought it yesterday.": [],
    }
    train(nlp, examples_of(nlp, gold), 80)
    for text, spans in gold.items():
        assert found(nlp(text)) == spans
    ent = nlp("The battery life is great, the hard drive is not.").ents[0]
    assert (ent.text, ent.start, ent.end) == ("battery life", 1, 3)


def test_gold_that_misaligns_is_masked_and_counted(trained):
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    words = ["店里有宝", "马", "，", "丰田", "好"]
    doc = Doc(nlp.vocab, words=words, spaces=[False] * 5)
    with pytest.warns(UserWarning, match="Misaligned"):
        example = Example.from_dict(doc, {"entities": [(3, 5, "NEU"), (6, 8, "POS")]})
    with pytest.warns(UserWarning, match="5 characters in 1 texts"):
        nlp.initialize(lambda: [example])
    pipe = nlp.get_pipe("absa_gru")
    _, gradient = pipe.get_loss([example], pipe.model.predict([doc]))
    assert numpy.abs(gradient.scores[0][6:8]).max() > 1e-3


def test_unknown_gold_exerts_no_pull(trained):
    pipe = trained.get_pipe("absa_gru")
    doc = trained.make_doc("店里有宝马")
    example = Example.from_dict(doc, {"entities": ["-"] * len(doc)})
    loss, gradient = pipe.get_loss([example], pipe.model.predict([doc]))
    assert loss == pytest.approx(0, abs=1e-9)
    assert numpy.abs(gradient.scores[0]).max() < 1e-6


def test_opinion_weight_adds_the_loss_of_the_labels_where_the_entities_are(with_config):
    nlp, weighted = with_config(), with_config(opinion_weight=0.5)
    pipe, heavier = nlp.get_pipe("absa_gru"), weighted.get_pipe("absa_gru")
    # The whole text is the entity, so nothing around it has a say in the label.
    examples = examples_of(nlp, {"本田": [(0, 2, "POS")], "宝马": [(0, 2, "NEG")]})
    docs = [example.predicted for example in examples]
    emissions = pipe.model.predict(docs)
    shares = numpy.concatenate(pipe.opinions(docs, [[(0, 2)], [(0, 2)]]))
    labels = [pipe.labels.index("POS"), pipe.labels.index("NEG")]
    opinions = -numpy.log(shares[[0, 1], labels]).mean()
    plain, _ = pipe.get_loss(examples, emissions)
    assert heavier.get_loss(examples, emissions)[0] == pytest.approx(plain + 0.5 * opinions)
    assert heavier.surprise(examples) == pytest.approx(pipe.surprise(examples))


@pytest.mark.parametrize("output", ["spacy_absa.CRF.v1", "spacy_absa.Softmax.v1"])
def test_opinion_weight_pulls_at_entities_alone(output):
    nlp = spacy.blank("zh")
    config = {"model": {**TINY, "output": {"@architectures": output}}, "opinion_weight": 0.5}
    pipe = nlp.add_pipe("absa_gru", config=config)
    examples = examples_of(nlp, {"我喜欢本田": [(3, 5, "POS")], "宝马好吗": [(0, 2, "NEG")]})
    nlp.initialize(lambda: examples)
    emissions = pipe.model.predict([example.predicted for example in examples])
    _, with_opinions = pipe.get_loss(examples, emissions)
    pipe.opinion_weight = 0.0
    _, without = pipe.get_loss(examples, emissions)
    pulls = [a - b for a, b in zip(with_opinions.scores, without.scores, strict=True)]
    touched = [numpy.flatnonzero(numpy.abs(pull).max(axis=1) > 1e-6).tolist() for pull in pulls]
    assert touched == [[3, 4], [0, 1]]


def test_adversarial_training_sees_harder_vectors_and_puts_them_back(with_config):
    def learn(**config):
        nlp = with_config(**config)
        pipe = nlp.get_pipe("absa_gru")
        (weights,) = (
            layer.get_ref("vectors").shims[0].module.embedding.weight
            for layer in charlms(pipe.model)
        )
        before, seen = weights.data.clone(), []
        get_loss = pipe.get_loss

        def watched(examples, emissions):
            loss, gradient = get_loss(examples, emissions)
            seen.append((loss, (weights.data - before).norm().item()))
            return loss, gradient

        pipe.get_loss = watched
        losses = pipe.update(examples_of(nlp))
        assert weights.data.equal(before)
        assert losses["absa_gru"] == pytest.approx(seen[0][0])
        return seen, weights, before

    (once,), weights, _ = learn()
    gradient = weights.grad
    (first, second), weights, before = learn(adversarial=0.1)
    assert first == pytest.approx(once)
    assert second[0] > first[0]
    assert second[1] == pytest.approx(0.1 * before[gradient.any(dim=1)].norm().item(), rel=1e-3)
    assert (weights.grad - gradient).norm() > 0.1 * gradient.norm()


def test_a_label_added_later_leaves_the_others_as_they_were(with_config):
    nlp = with_config()
    pipe = nlp.get_pipe("absa_gru")
    docs = [nlp.make_doc(text) for text in GOLD if text]
    before = pipe.model.predict(docs)
    n_tags = len(pipe.scheme.tags)
    assert pipe.add_label("POS") == 0
    assert pipe.add_label("MIXED") == 1
    assert pipe.labels == ("NEG", "NEU", "POS", "MIXED")
    after = pipe.model.predict(docs)
    for old, new in zip(before.scores, after.scores, strict=True):
        assert new[:, :n_tags] == pytest.approx(old, rel=1e-6, abs=1e-6)
    kept = numpy.r_[:n_tags, -1]
    assert (after.transitions[numpy.ix_(kept, kept)] == before.transitions).all()
    examples = examples_of(nlp, {"又爱又恨宝马": [(4, 6, "MIXED")]})
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.02
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    assert found(nlp("又爱又恨宝马")) == [(4, 6, "MIXED")]


def test_vectors_of_words_are_inputs(tmp_path):
    nlp = spacy.blank("en")
    for row, word in enumerate(("battery", "great", "awful")):
        nlp.vocab.set_vector(word, numpy.eye(3, dtype="float32")[row])
    words = {
        "@architectures": "spacy.MultiHashEmbed.v2",
        **{"width": 16, "attrs": ["SHAPE"], "rows": [50], "include_static_vectors": True},
    }
    nlp.add_pipe("absa_gru", config={"model": {**TINY, "words": words}})
    gold = {"The battery is great": [(4, 11, "POS")], "The battery is awful": [(4, 11, "NEG")]}
    train(nlp, examples_of(nlp, gold), 60)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    for text, spans in gold.items():
        assert found(nlp(text)) == spans
        assert loaded(text)._.absa == nlp(text)._.absa
    nlp.vocab.set_vector("great", nlp.vocab.get_vector("awful"))
    assert nlp("The battery is great")._.absa != loaded("The battery is great")._.absa


@pytest.mark.parametrize("frozen", [[], ["tok2vec"]])
def test_a_shared_tok2vec_is_read_and_learns_unless_it_is_frozen(frozen):
    nlp = spacy.blank("zh")
    nlp.add_pipe("tok2vec", config={"model": {"width": 16, "embed_size": 50}})
    words = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    nlp.add_pipe("absa_gru", config={"model": {**TINY, "words": words}})
    examples = examples_of(nlp)
    optimizer = nlp.initialize(lambda: examples)
    before = nlp.get_pipe("tok2vec").model.to_bytes()
    losses = [
        nlp.update(examples, sgd=optimizer, exclude=frozen, annotates=frozen)["absa_gru"]
        for _ in range(5)
    ]
    assert losses[-1] < losses[0]
    assert (nlp.get_pipe("tok2vec").model.to_bytes() == before) == bool(frozen)


def test_a_sourced_component_keeps_its_answers_and_can_be_frozen(trained):
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", source=trained)
    nlp.add_pipe("textcat")
    examples = []
    for text in GOLD:
        cats = {"car": float("田" in text), "other": float("田" not in text)}
        examples.append(Example.from_dict(nlp.make_doc(text), {"cats": cats}))
    with nlp.select_pipes(enable=["textcat"]):
        optimizer = nlp.initialize(lambda: examples)
    losses = nlp.update(examples, sgd=optimizer, exclude=["absa_gru"], annotates=["absa_gru"])
    assert set(losses) == {"textcat"}
    for text, spans in GOLD.items():
        assert found(nlp(text)) == spans


def test_another_packages_attribute_is_not_taken_over():
    Span.set_extension("absa_score", getter=len, force=True)
    try:
        with pytest.raises(InputError, match=r"Span\.remove_extension\('absa_score'\)"):
            spacy.blank("zh").add_pipe("absa_gru")
    finally:
        Span.set_extension("absa_score", default=None, force=True)


def test_odd_texts_pass_and_offsets_stay_those_of_the_text(trained):
    odd = ["", " ", "\n", "😀丰田不错", "丰田\u200d不错", "丰田不错" + "。" * 2000, "ａ" * 3000]
    for doc in trained.pipe(odd):
        for entry in doc._.absa:
            assert doc.text[entry["start"] : entry["end"]] == entry["text"]


def test_the_system_of_2016():
    """Four tags, softmax, the embedding of the language model alone, a forced entity list."""
    nlp = spacy.blank("zh")
    model = {
        "@architectures": "spacy_absa.CharTagger.v1",
        "charlm": {**TINY["charlm"], "use": "vectors"},
        "features": None,
        "encoder": TINY["encoder"],
        "output": {"@architectures": "spacy_absa.Softmax.v1"},
    }
    nlp.add_pipe("absa_gru", config={"model": model, "scheme": "io", "lexicon_mode": "force"})
    pipe = nlp.get_pipe("absa_gru")
    pipe.set_lexicon(Lexicon([LexiconEntry(name, "") for name in ("本田", "丰田", "宝马")]))
    train(nlp, examples_of(nlp), 80)
    assert pipe.scheme.tags == ("O", "I-NEG", "I-NEU", "I-POS")
    for text, spans in GOLD.items():
        assert found(nlp(text)) == spans


def test_a_label_bonus_raises_its_probability(trained, with_config):
    text = "我喜欢本田，我不喜欢丰田"
    before, after = (
        nlp(text).ents[0]._.sentiment_scores for nlp in (trained, with_config(label_bonus=BONUS))
    )
    odds = after["NEG"] / after["POS"] / (before["NEG"] / before["POS"])
    assert odds == pytest.approx(numpy.exp(BONUS["NEG"]), rel=1e-3)
    assert with_config(label_bonus={"POS": 30.0})("今天天气好").ents


def test_readings_are_ranked_and_their_probabilities_add_up(with_config):
    texts = ["我喜欢本田，我不喜欢丰田", "", "丰田不错"]
    for config in ({}, {"label_bonus": {"NEG": 0.5}}):
        pipe = with_config(**config).get_pipe("absa_gru")
        docs = [spacy.blank("zh").make_doc(text) for text in texts]
        found = pipe.readings(docs, 400)
        assert found[1] == [([], 1.0)]
        for readings, mentions in zip(found, pipe.predict(docs), strict=True):
            assert readings[0].entities == [(m.start, m.end, m.label) for m in mentions]
            probabilities = [reading.probability for reading in readings]
            assert probabilities == sorted(probabilities, reverse=True)
            assert sum(probabilities) == pytest.approx(1, abs=0.01)
        # An entity is as probable as the readings that hold it together.
        mention = pipe.predict(docs)[2][0]
        entity = (mention.start, mention.end, mention.label)
        held = sum(p for entities, p in found[2] if entity in entities)
        assert held == pytest.approx(mention.score, abs=0.01)


def test_forced_readings_keep_to_the_lexicon(with_config):
    pipe = with_config(lexicon_mode="force").get_pipe("absa_gru")
    pipe.set_lexicon(Lexicon([LexiconEntry("丰田", "")]))
    (readings,) = pipe.readings([spacy.blank("zh").make_doc("本田和丰田")], 9)
    assert [{span[:2] for span in entities} for entities, _ in readings].count(set()) == 1
    assert {span[:2] for entities, _ in readings for span in entities} == {(3, 5)}
    assert len(readings) == 4
