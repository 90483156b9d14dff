import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import spacy
from filelock import FileLock

from spacy_absa.data.contest import read_sentences

ASSETS = Path(__file__).parents[2] / "assets"
CARS = ASSETS / "zh_absa_cars"
SENTENCES = list(read_sentences(ASSETS / "demo/Train.csv").values())
N_ROWS = 12
ROWS = [{"n": i, "content": text} for i, text in enumerate(SENTENCES[:N_ROWS])]
LINUX = sys.platform == "linux"
RAY_WORKER = b"ray::_Worker"
FORMATS = ["rows.jsonl", "rows.jsonl.gz", "rows.csv", "rows.csv.gz", "rows.tsv", "rows.parquet"]


def to_text(name, rows):
    if ".jsonl" in name:
        return "".join(json.dumps(row) + "\n" for row in rows)
    separator = "\t" if ".tsv" in name else ","
    lines = [list(rows[0]), *(map(str, row.values()) for row in rows)]
    return "".join(separator.join(line) + "\n" for line in lines)


def write(path, rows):
    if path.suffix == ".parquet":
        pa = pytest.importorskip("pyarrow")
        from pyarrow.parquet import write_table

        write_table(pa.Table.from_pylist(rows), path)
    else:
        data = to_text(path.name, rows).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def read(output):
    """The rows of all part files, in order."""
    rows = []
    for path in sorted(output.glob("part-*")):
        if path.suffix == ".parquet":
            from pyarrow.parquet import read_table

            rows += read_table(path).to_pylist()
        else:
            rows += map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return rows


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def manifest(output):
    return json.loads((output / "manifest.json").read_text(encoding="utf-8"))


def contents(output):
    """What has to be the same whatever happened on the way."""
    paths = [*output.glob("part-*"), output / "quarantine.jsonl"]
    return {path.name: path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def expected():
    return [doc._.absa for doc in spacy.load(CARS).pipe(row["content"] for row in ROWS)]


@pytest.fixture
def annotate(absa):
    """Annotate with two workers; it must succeed."""

    def run(*arguments):
        result = absa("annotate", CARS, *arguments, "--n-process", 2)
        assert result.code == 0, result.err
        return result

    return run


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_rows_keep_their_columns_and_order(annotate, expected, tmp_path, name, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    write(tmp_path / name, ROWS)
    column = ["--column", "content"] if ".jsonl" in name else []
    annotate(name, "--output", "out", "--format", form, "--shard-size", 5, *column)
    typed = name.startswith(("rows.j", "rows.p"))
    rows = read(tmp_path / "out")
    assert [row["n"] for row in rows] == [i if typed else str(i) for i in range(N_ROWS)]
    assert [row["content"] for row in rows] == [row["content"] for row in ROWS]
    for row, mentions in zip(rows, expected, strict=True):
        assert [m["text"] for m in row["absa"]] == [m["text"] for m in mentions]
        for mine, theirs in zip(row["absa"], mentions, strict=True):
            assert mine.keys() == theirs.keys()
            assert mine["scores"] == pytest.approx(theirs["scores"], abs=1e-5)
    assert sum(len(row["absa"]) for row in rows) > N_ROWS / 2
    assert [path.name for path in sorted((tmp_path / "out").glob("part-*"))] == [
        f"part-0000{i}.{form}" for i in range(3)
    ]


def test_what_cannot_be_annotated_is_quarantined_and_counted(annotate, tmp_path):
    bad = [
        b'{"text": ',
        b"[1]",
        b'{"id": 1}',
        b'{"text": null}',
        b'{"text": " "}',
        b'{"text": 7}',
        '{"text": "长长长长长长长长长长长长长长长长长长长长长"}'.encode(),
        b'{"text": "a", "other": "\\ud800"}',
        b'{"text": "a", "absa": []}',
        b'{"text": "\xff"}',
        b"[" * 100_000,
    ]
    good = '{"text": "我喜欢本田", "id": NaN}'.encode()
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([good, *bad, b"", good]))
    (tmp_path / "b.csv").write_text('n,text\n1,本田好\n2\n3,"本田"好\n4,\n5,好\n', encoding="utf-8")
    annotate("a.jsonl", "b.csv", "--output", "out", "--max-chars", 20, "--shard-size", 4)
    rows = read(tmp_path / "out")
    assert [row["text"] for row in rows] == ["我喜欢本田", "我喜欢本田", "本田好", "好"]
    assert rows[0]["id"] is None
    found = lines(tmp_path / "out/quarantine.jsonl")
    assert [(row["file"], row["line"]) for row in found] == [
        *(("a.jsonl", line) for line in range(2, 13)),
        *(("b.csv", line) for line in (3, 4, 5)),
    ]
    parts = [
        *("not JSON", "no JSON object", "no text", "no text", "no text", "no string"),
        *("21 characters, more than 20", "surrogate", "already", "invalid bytes", "as JSON"),
        *("1 columns where the header has 2", "not valid CSV", "no text"),
    ]
    for row, part in zip(found, parts, strict=True):
        assert part in row["reason"]
    counts = manifest(tmp_path / "out")["counts"]
    assert (counts["rows_in"], counts["rows_out"], counts["quarantined"]) == (18, 4, 14)
    assert [source["rows"] for source in manifest(tmp_path / "out")["run"]["inputs"]] == [13, 5]


def test_the_manifest(annotate, tmp_path):
    write(tmp_path / "rows.csv", ROWS)
    (tmp_path / "names.txt").write_text("本田\n", encoding="utf-8")
    annotate("rows.csv", "--output", "own")
    annotate("rows.csv", "--output", "other", "--lexicon", "names.txt")
    own, other = manifest(tmp_path / "own"), manifest(tmp_path / "other")
    assert own["whole"] is True
    assert own["run"]["pipeline"] == other["run"]["pipeline"]
    assert own["run"]["pipeline"]["name"] == "zh_absa_cars"
    assert own["run"]["lexicon"] != other["run"]["lexicon"]
    assert other["run"]["lexicon"]["names"] == 1
    (source,) = own["run"]["inputs"]
    assert (source["file"], source["column"], source["rows"]) == ("rows.csv", "content", N_ROWS)
    assert source["size"] == (tmp_path / "rows.csv").stat().st_size
    labels = [mention["label"] for row in read(tmp_path / "own") for mention in row["absa"]]
    assert own["counts"]["entities"] == {label: labels.count(label) for label in sorted({*labels})}
    assert own["counts"]["characters"] == sum(len(row["content"]) for row in ROWS)


def test_one_process_or_two(absa, annotate, tmp_path):
    write(tmp_path / "rows.csv", ROWS)
    annotate("rows.csv", "--output", "two", "--shard-size", 2)
    result = absa(
        "annotate", CARS, "rows.csv", "--output", "one", "--shard-size", 2, "--n-process", 1
    )
    assert result.code == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_explanations_are_opt_in(annotate, tmp_path, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    write(tmp_path / "rows.jsonl", [{"text": "别买宝骏560，烧机油"}, {"text": "好"}])
    annotate("rows.jsonl", "--output", "plain", "--format", form)
    annotate("rows.jsonl", "--output", "explained", "--format", form, "--explain")
    (plain,), (explained,) = (read(tmp_path / name)[0]["absa"] for name in ("plain", "explained"))
    *_, run = explained.pop("explanation")
    assert plain == explained
    assert run["weight"] == 1.0 and "烧机" in run["text"]
    settings = [manifest(tmp_path / name)["run"]["settings"] for name in ("plain", "explained")]
    assert [those["explain"] for those in settings] == [False, True]


def test_only_what_is_missing_is_made_again(annotate, tmp_path):
    write(tmp_path / "rows.csv", ROWS)
    command = ["rows.csv", "--output", "out", "--shard-size", 3]
    annotate(*command)
    out = tmp_path / "out"
    whole = contents(out)
    (out / "_shards/part-00000.json").unlink()  # killed between the part and its receipt
    (out / "part-00001.jsonl").write_bytes(b"half")
    (out / ".part-00002.jsonl.1.tmp").write_bytes(b"half")
    (out / "_shards/.part-00002.json.1.tmp").write_bytes(b"half")
    (out / "quarantine.jsonl").unlink()
    kept = (out / "part-00002.jsonl").stat().st_mtime_ns
    annotate(*command)
    assert contents(out) == whole
    assert (out / "part-00002.jsonl").stat().st_mtime_ns == kept
    assert not list(out.rglob(".*.tmp"))


def test_a_folder_of_another_run_is_refused(annotate, refused, tmp_path):
    write(tmp_path / "rows.csv", ROWS)
    write(tmp_path / "rows.tsv", ROWS)
    (tmp_path / "names.txt").write_text("本田\n", encoding="utf-8")
    annotate("rows.csv", "--output", "out")
    again = partial(refused, "annotate", CARS)
    assert "with other inputs: call it as" in again("rows.tsv", "--output", "out")
    assert "with other settings" in again("rows.csv", "--output", "out", "--shard-size", 5)
    assert "with other settings" in again("rows.csv", "--output", "out", "--explain")
    assert "with other lexicon" in again("rows.csv", "--output", "out", "--lexicon", "names.txt")
    (tmp_path / "rows.csv").write_text("text\n好\n", encoding="utf-8")
    assert "with other inputs" in again("rows.csv", "--output", "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    (tmp_path / "full/.lock").touch()
    assert "is not empty and holds no run" in again("rows.csv", "--output", "full")
    (tmp_path / "full/manifest.json").write_text("[]")
    assert "is no manifest of a run" in again("rows.csv", "--output", "full")


def test_bad_input(refused, tmp_path):
    write(tmp_path / "rows.csv", ROWS)
    (tmp_path / "twice.csv").write_text("text,n,n\n好,1,2\n", encoding="utf-8")
    (tmp_path / "again.csv").write_text("text,absa\n好,1\n", encoding="utf-8")
    (tmp_path / "rows.txt").write_text("好\n", encoding="utf-8")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    run = partial(refused, "annotate", CARS)
    assert "gone.csv" in run("gone.csv", "--output", "out")
    assert "rows.txt: rows are read from" in run("rows.txt", "--output", "out")
    assert "no column 'gone'" in run("rows.csv", "--output", "out", "--column", "gone")
    assert "same name" in run("twice.csv", "--output", "out")
    assert "column 'absa' already" in run("again.csv", "--output", "out")
    assert "rows.parquet: " in run("rows.parquet", "--output", "out")
    assert "all inputs are in the output folder" in run("rows.csv", "--output", ".")
    assert "rows.txt: cannot be written" in run("rows.csv", "--output", "rows.txt")


def test_the_output_may_be_in_a_folder_of_the_input(annotate, tmp_path):
    (tmp_path / "data").mkdir()
    write(tmp_path / "data/rows.csv", ROWS)
    for _ in range(2):
        annotate("data", "data/*.csv", "--output", "data/out")
    assert len(read(tmp_path / "data/out")) == N_ROWS


# In processes of their own, since they are to be killed.


def start(folder, *arguments, **options):
    command = [sys.executable, "-m", "spacy", "absa", "annotate", str(CARS), *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def wait_for(process, condition):
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants(pid):
    for child in children(pid):
        yield child
        yield from descendants(child)


def command_line(pid):
    """Empty for a process that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_for_end(pids):
    for _ in range(6000):
        if not any(map(command_line, pids)):
            return
        time.sleep(0.01)
    raise AssertionError(f"still running: {pids}")


def receipts(output):
    return len(list(output.glob("_shards/*.json")))


def test_killed_at_several_moments(annotate, absa, tmp_path):
    texts = SENTENCES * 4  # enough that none of the moments is missed on a busy machine
    write(tmp_path / "rows.csv", [{"text": text} for text in texts])
    command = ["rows.csv", "--shard-size", 7, "--output"]
    out = tmp_path / "killed"
    moments = [
        lambda: (out / "manifest.json").exists(),
        lambda: receipts(out) > 2,
        lambda: receipts(out) > 20 and list(out.glob(".part-*.tmp")),
    ]
    for moment in moments:
        process = start(tmp_path, *command, "killed", "--n-process", 2)
        wait_for(process, moment)
        if moment is moments[1]:
            second = absa("annotate", CARS, *command, "killed")
            assert second.code == 1
            assert "killed: another run is writing there" in second.err
        workers = list(descendants(process.pid)) if LINUX else []
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        wait_for_end(workers)
        assert not manifest(out)["whole"]
    annotate(*command, "killed")
    annotate(*command, "undisturbed")
    assert contents(out) == contents(tmp_path / "undisturbed")
    assert [row["text"] for row in read(out)] == texts
    assert not list(out.glob(".*.tmp"))


@pytest.mark.skipif(not LINUX, reason="looks for the workers in /proc")
def test_ctrl_c_twice_ends_the_run_and_lets_go_of_the_folder(tmp_path):
    write(tmp_path / "rows.csv", [{"text": text} for text in SENTENCES * 40])
    command = ["rows.csv", "--shard-size", 7, "--output", "out", "--n-process", 2]
    process = start(tmp_path, *command, start_new_session=True)
    wait_for(process, lambda: receipts(tmp_path / "out") > 2)
    workers = list(descendants(process.pid))
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "the same command goes on later" in err
    wait_for_end(workers)
    assert not manifest(tmp_path / "out")["whole"]
    with FileLock(tmp_path / "out/.lock", timeout=0):
        pass


def test_each_file_is_read_once_and_nothing_but_bad_rows_is_a_failure(absa, annotate, tmp_path):
    write(tmp_path / "rows.csv", [{"text": "本田"}])
    annotate("rows.csv", tmp_path / "rows.csv", "--output", "out")
    assert len(read(tmp_path / "out")) == 1
    (tmp_path / "other.jsonl").write_text('{"content": "本田"}\n', encoding="utf-8")
    result = absa("annotate", CARS, "other.jsonl", "--output", "none")
    assert result.code == 1
    assert "no row could be annotated" in result.err
    assert (tmp_path / "none/quarantine.jsonl").stat().st_size > 0


@pytest.mark.skipif(not LINUX, reason="looks for the workers in /proc")
def test_a_worker_that_dies(annotate, tmp_path):
    write(tmp_path / "rows.csv", [{"text": text} for text in SENTENCES])
    command = ["rows.csv", "--shard-size", 7, "--output", "out"]
    process = start(tmp_path, *command, "--n-process", 2)
    wait_for(process, lambda: receipts(tmp_path / "out") > 1)
    workers = [worker for child in children(process.pid) for worker in children(child)]
    os.kill(workers[0], signal.SIGKILL)
    _, error = process.communicate()
    assert process.returncode == 1
    assert "A worker process has died" in error.splitlines()[-1]
    assert "Traceback" not in error
    n_whole = receipts(tmp_path / "out")
    assert 1 < n_whole < len(SENTENCES) / 7
    annotate(*command)
    assert [row["text"] for row in read(tmp_path / "out")] == SENTENCES


def test_a_full_disk(tmp_path):
    write(tmp_path / "rows.csv", ROWS)
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (2000, 2000))
    process = start(tmp_path, "rows.csv", "--output", "out", preexec_fn=limit)
    _, error = process.communicate()
    assert process.returncode == 1
    assert "part-00000.jsonl: cannot be written: File too large." in error.splitlines()[-1]
    assert "Traceback" not in error
    assert not list((tmp_path / "out").glob("part-*"))


@pytest.mark.skipif(not LINUX, reason="looks for the workers in /proc")
def test_ray_outlives_a_worker_and_writes_the_same(annotate, tmp_path):
    pytest.importorskip("ray")
    write(tmp_path / "rows.csv", [{"text": text} for text in SENTENCES])
    command = ["rows.csv", "--shard-size", 7, "--output"]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    process = start(tmp_path, *command, "ray", "--engine", "ray", "--n-process", 2, env=environment)

    def workers():
        return [pid for pid in descendants(process.pid) if command_line(pid).startswith(RAY_WORKER)]

    wait_for(process, lambda: receipts(tmp_path / "ray") > 1 and len(workers()) == 2)
    os.kill(workers()[0], signal.SIGKILL)
    _, error = process.communicate()
    assert process.returncode == 0, error
    annotate(*command, "local")
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    assert manifest(tmp_path / "ray")["counts"] == manifest(tmp_path / "local")["counts"]
