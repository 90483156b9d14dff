import os
import signal
import sys
from functools import partial

import pytest

from spacy_absa.bulk import engines
from spacy_absa.bulk.engines import run_local
from spacy_absa.bulk.ray_engine import run_ray
from spacy_absa.errors import InputError


class Echo:
    def __call__(self, shard):
        if shard == "full":
            raise InputError("The disk is full.")
        return shard


def test_every_shard_is_answered_and_few_are_taken_ahead():
    taken = []

    def shards():
        for shard in range(20):
            taken.append(shard)
            yield shard

    answers = run_local(Echo, shards(), 2)
    first = next(answers)
    assert len(taken) == 4
    assert sorted([first, *answers]) == list(range(20))


def test_by_default_each_core_gets_a_worker(monkeypatch):
    monkeypatch.setattr(engines, "_cores", lambda: 2)
    shards = iter(range(20))
    next(run_local(Echo, shards, 0))
    assert next(shards) == 4


def test_each_worker_has_one_thread_and_ctrl_c_is_as_before(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    before = signal.getsignal(signal.SIGINT)
    answers = run_local(Echo, range(3), 1)
    next(answers)
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert signal.getsignal(signal.SIGINT) is not before
    assert len(list(answers)) == 2
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_of_a_worker_is_raised():
    with pytest.raises(InputError, match=r"^The disk is full\.$"):
        list(run_local(Echo, ["a", "full", "b"], 1))


def test_a_worker_that_cannot_begin():
    with pytest.raises(InputError, match="A worker process has died"):
        list(run_local(partial(int, "no number"), ["a"], 1))


def test_ray_needs_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"spacy-absa\[ray\]"):
        list(run_ray(Echo, [], 1))
