"""Coverage-guided fuzzing of what reads strangers' files, with atheris (libFuzzer; Linux).

    pip install atheris
    python -m fuzz tables -max_total_time=300

runs one target; what follows its name goes to libFuzzer. A target gives bytes that libFuzzer makes
up to a reader: InputError is an answer, any other exception a crash, whose input libFuzzer writes
to a file. Add it to the tests, in its smallest form, with the mending.
"""

import gzip
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["spacy_absa"]):
    import numpy
    import spacy
    import srsly

    from spacy_absa.data import alphabet, contest, jsonl, rows, tables, text, texts
    from spacy_absa.errors import InputError
    from spacy_absa.lexicon import Lexicon
    from spacy_absa.models.torch_layer import TorchShim

_FOLDER = Path(tempfile.mkdtemp())
_ASSETS = Path(__file__).parents[1] / "assets"
_SMALL = Path(__file__).parents[1] / "tests/fixtures/format_1/pipeline"


def _file(name: str, data: bytes) -> Path:
    path = _FOLDER / name
    path.write_bytes(data)
    return path


def _exhaust(items: Iterable[object]) -> None:
    for _ in items:
        pass


def fuzz_text(data: bytes) -> None:
    """Encodings, archives and lines."""
    for name in ("a.txt", "a.txt.gz"):
        path = _file(name, data)
        for tolerant in (True, False):
            with text.open_text(path, tolerant=tolerant) as file:
                _exhaust(text.read_lines(file))


def fuzz_archives(data: bytes) -> None:
    """Whole archives of any bytes."""
    _exhaust(texts.read_texts(_file("a.jsonl.gz", gzip.compress(data, 1))))


def fuzz_tables(data: bytes) -> None:
    """CSV and TSV; a tolerant reader must not lose what a strict one reads."""
    for name in ("a.csv", "a.tsv"):
        path = _file(name, data)
        found = list(tables.scan_table(path, tolerant=True))
        assert list(tables.read_table(path)) == found


def fuzz_json_lines(data: bytes) -> None:
    """JSON Lines, raw and annotated."""
    path = _file("a.jsonl", data)
    _exhaust(jsonl.scan_objects(path, tolerant=True))
    _exhaust(jsonl.read_annotated(path))


def fuzz_rows(data: bytes) -> None:
    """What bulk runs read."""
    for name in ("a.jsonl", "a.csv", "a.tsv"):
        path = _file(name, data)
        _exhaust(rows.read_rows(path, rows.text_column(path), 100))


def fuzz_parquet(data: bytes) -> None:
    """Parquet files, as bulk runs read them."""
    path = _file("a.parquet", data)
    _exhaust(rows.read_rows(path, rows.text_column(path), 100))


def fuzz_spreadsheets(data: bytes) -> None:
    """Files called .xlsx and .xls."""
    for name in ("a.xlsx", "a.xls"):
        _exhaust(tables.read_table(_file(name, data)))


def fuzz_contest(data: bytes) -> None:
    """Sentences, labels, and where the labels stand in the sentences."""
    first, _, second = data.partition(b"\xff")
    sentences = contest.read_sentences(_file("a.csv", b"SentenceId\tContent\n" + first))
    labels = contest.read_labels(_file("b.csv", b"SentenceId\tView\tOpinion\n" + second), sentences)
    for (sentence_id, view), opinion in labels.items():
        contest.locate(sentences[sentence_id], {view: opinion})


def fuzz_alphabets(data: bytes) -> None:
    """The files of `absa alphabet`."""
    alphabet.read_alphabet(_file("a.json", data))


def fuzz_lexicons(data: bytes) -> None:
    """Entity lists in all formats; what is read is found."""
    header = b"ViewId\tView\n"
    for name, content in (("a.jsonl", data), ("a.txt", data), ("a.csv", header + data)):
        lexicon = Lexicon.from_file(_file(name, content))
        assert Lexicon.from_bytes(lexicon.to_bytes()) == lexicon
        for entry in lexicon.entries:
            assert (0, len(entry.pattern), entry.id) in lexicon.find(entry.pattern)


def fuzz_component(data: bytes) -> None:
    """The shipped pipeline, its list forced, on any text that UTF-8 can hold."""
    content = data.decode("utf-8", "replace")
    doc = _cars()(content)
    for entry in doc._.absa:
        assert content[entry["start"] : entry["end"]] == entry["text"]
        assert entry["id"]
        assert 0 <= entry["score"] <= 1 + 1e-9
        assert abs(sum(entry["scores"].values()) - 1) < 1e-5


# What numpy and PyTorch raise, of which loading a pipeline makes one line.
_REFUSALS = (ValueError, TypeError, LookupError, AttributeError, RuntimeError)


def fuzz_weights(data: bytes) -> None:
    """The message of weights of a layer, changed here and there: refused, or loaded as it is."""
    provider = atheris.FuzzedDataProvider(data)
    build, original = _LAYERS[provider.ConsumeIntInRange(0, len(_LAYERS) - 1)]
    message = srsly.msgpack_loads(original)
    for _ in range(provider.ConsumeIntInRange(0, 4)):
        change = provider.PickValueInList([_change_array, _change_names, _change_sizes])
        change(message, provider)
    try:
        encoded = bytearray(srsly.msgpack_dumps(message))
    except (ValueError, TypeError, OverflowError):  # cannot be written
        return
    for _ in range(provider.ConsumeIntInRange(0, 2)):
        place = provider.ConsumeIntInRange(0, len(encoded) - 1)
        encoded[place] = provider.ConsumeIntInRange(0, 255)
    shim = TorchShim(build)
    try:
        shim.from_bytes(bytes(encoded))
    except (InputError, srsly.msgpack.UnpackException, *_REFUSALS):
        return
    if shim.is_built:
        saved = srsly.msgpack_loads(bytes(encoded))["state"]
        loaded = shim.state()
        assert saved.keys() == loaded.keys()
        for name, value in loaded.items():
            assert numpy.isfinite(value).all()
            assert numpy.array_equal(value, saved[name].astype(value.dtype)), name


def _change_array(message: dict, provider: atheris.FuzzedDataProvider) -> None:
    """Another shape, type or value of an array."""
    state = message.get("state")
    if not isinstance(state, dict) or not state:
        return
    name = provider.PickValueInList(list(state))
    array = numpy.array(state[name])
    kind = provider.ConsumeIntInRange(0, 3)
    if kind == 0 and array.dtype.kind in "fiub":
        state[name] = array.astype(provider.PickValueInList(["f2", "f8", ">f4", "i1", "u8", "?"]))
    elif kind == 1:
        dtype = provider.PickValueInList(["c8", "U3", "S3", "M8[s]"])
        state[name] = numpy.zeros(array.shape, dtype)
    elif kind == 2:
        shapes = [array.T, array[None], array[:0], array.ravel(), array.ravel()[:1]]
        state[name] = shapes[provider.ConsumeIntInRange(0, len(shapes) - 1)]
    elif array.size and array.dtype.kind == "f":
        array.flat[provider.ConsumeIntInRange(0, array.size - 1)] = provider.ConsumeFloat()
        state[name] = array


def _change_names(message: dict, provider: atheris.FuzzedDataProvider) -> None:
    """An entry of the message or of its weights that is missing, or called otherwise."""
    inner = message.get("state")
    where = inner if isinstance(inner, dict) and provider.ConsumeBool() else message
    if where:
        value = where.pop(provider.PickValueInList(list(where)))
        if provider.ConsumeBool():
            where[_anything(provider)] = value


def _change_sizes(message: dict, provider: atheris.FuzzedDataProvider) -> None:
    """Another size of the layer, or something else where the sizes or weights should be."""
    sizes = message.get("sizes")
    if isinstance(sizes, dict) and sizes and provider.ConsumeIntInRange(0, 3):
        sizes[provider.PickValueInList(list(sizes))] = _anything(provider)
    else:
        message[provider.PickValueInList(["sizes", "state"])] = _anything(provider)


def _anything(provider: atheris.FuzzedDataProvider) -> object:
    kind = provider.ConsumeIntInRange(0, 4)
    if kind == 0:
        return provider.ConsumeInt(8)
    if kind == 1:
        return provider.ConsumeIntInRange(-2, 300)
    if kind == 2:
        return provider.ConsumeUnicodeNoSurrogates(8)
    return [None, 0.5][kind - 3]


_pipelines: list[spacy.Language] = []


def _cars() -> spacy.Language:
    if not _pipelines:
        nlp = spacy.load(
            _ASSETS / "zh_absa_cars", config={"components.absa_gru.lexicon_mode": "force"}
        )
        _pipelines.append(nlp)
    return _pipelines[0]


def _layers() -> list[tuple[Callable, bytes]]:
    """What builds each layer of a small pipeline with weights of its own, and their message."""
    model = spacy.load(_SMALL).get_pipe("absa_gru").model
    shims = [shim for node in model.walk() for shim in node.shims]
    return [(shim._build, shim.to_bytes()) for shim in shims]


_LAYERS = _layers() if sys.argv[1:2] == ["weights"] else []


def _spreadsheet() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["id", "text"])
    book.active.append([1, "本田"])
    book.save(_FOLDER / "seed.xlsx")
    return (_FOLDER / "seed.xlsx").read_bytes()


def _parquet() -> bytes:
    from pyarrow import table
    from pyarrow.parquet import write_table

    write_table(table({"text": ["本田", None], "n": [1, 2]}), _FOLDER / "seed.parquet")
    return (_FOLDER / "seed.parquet").read_bytes()


_CSV = 'id,text\n1,"本田, ""好""\n不"\n2,丰田\n'
_JSON = '{"text": "本田好", "spans": [[0, 2, "pos"]], "id": 1}\n'
# What libFuzzer starts from: something of each format that is whole.
SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "text": lambda: (
        ["本田\r\n丰田\n".encode(code) for code in ("utf-8", "gb18030", "utf-16")]
        + [gzip.compress("本田\n".encode())]
    ),
    "archives": lambda: [_JSON.encode()],
    "tables": lambda: [_CSV.encode(), _CSV.replace(",", ";").encode("gb18030"), b"a\tb\n1\t2\n"],
    "json_lines": lambda: [_JSON.encode()],
    "rows": lambda: [_JSON.encode(), _CSV.encode()],
    "parquet": lambda: [_parquet()],
    "spreadsheets": lambda: [_spreadsheet()],
    "contest": lambda: ["1\t本田好\n".encode() + b"\xff" + "1\t本田\tpos\n".encode()],
    "alphabets": lambda: ['{"alphabet": "的一 a"}'.encode()],
    "lexicons": lambda: [b'{"pattern": "Q7", "id": "audi"}\n', "本田\thonda\n".encode()],
    "component": lambda: ["哈弗H6省油又好看，途观天天修，真坑。".encode()],
    "weights": lambda: [bytes(60), bytes(range(200))],
}
TARGETS: dict[str, Callable[[bytes], None]] = {
    name.removeprefix("fuzz_"): target
    for name, target in globals().copy().items()
    if name.startswith("fuzz_")
}


def main(arguments: list[str]) -> None:
    """Run the target that the first argument names."""
    if not arguments or arguments[0] not in TARGETS:
        raise SystemExit(f"usage: python -m fuzz TARGET [libFuzzer options]; {', '.join(TARGETS)}")
    target = TARGETS[arguments[0]]

    def test_one_input(data: bytes) -> None:
        try:
            target(data)
        except InputError:
            return

    corpus = _FOLDER / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS[arguments[0]]()):
        (corpus / str(number)).write_bytes(seed)
    atheris.Setup([sys.argv[0], *arguments[1:], str(corpus)], test_one_input)
    atheris.Fuzz()


main(sys.argv[1:])
