"""Short versions of the long runs in reliability/."""

import os
from random import Random

import pytest

from reliability.kills import kill_saves


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writer is forked")
def test_a_kill_while_saving_leaves_one_state_or_the_other(tmp_path):
    outcomes = kill_saves(tmp_path, 3, Random(0))
    assert outcomes["files: whole"] == 6
    assert sum(n for name, n in outcomes.items() if name.startswith("to_disk")) == 3
