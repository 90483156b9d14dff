import multiprocessing
import os
import subprocess
import sys
import time
from threading import Event, Thread

import pytest

pytest.importorskip("numba")
from spacy_absa.compiling import compiled, global_compiler_lock

FORKS = "fork" in multiprocessing.get_all_start_methods()


@pytest.mark.skipif(not FORKS, reason="the system does not fork")
def test_a_worker_forked_while_another_thread_compiles_can_compile_too():
    worker = multiprocessing.get_context("fork").Process(target=compiled(lambda: 1))
    compiling = Event()

    def compile_for_long():
        with global_compiler_lock:
            compiling.set()
            time.sleep(1)

    thread = Thread(target=compile_for_long)
    thread.start()
    compiling.wait()
    worker.start()
    worker.join(20)
    thread.join()
    try:
        assert worker.exitcode == 0
    finally:
        worker.kill()


def test_nothing_is_left_to_numba_that_is_told_not_to_compile():
    code = (
        "from spacy_absa.decoding.loops import compiled_loops; "
        "from spacy_absa.models.torch.recurrent import fused_grus; "
        "print(compiled_loops(), fused_grus())"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.stdout == "None None\n"
