"""The versions that are supported: `pip install nox`, then `nox` or `nox -s oldest`.

Each session needs its Python on the machine. Pipelines of released versions must find in all of
them what they found when they were saved (tests/pipeline/test_same_result.py).
"""

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
# A CPU build, where torch would otherwise come with several gigabytes of CUDA.
CPU = "--extra-index-url=https://download.pytorch.org/whl/cpu"


@nox.session(python=PYTHONS)
def pinned(session: nox.Session) -> None:
    """The versions of constraints.txt."""
    session.install(CPU, "-c", "constraints.txt", "-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=["3.10", "3.11"])
def oldest(session: nox.Session) -> None:
    """The oldest versions that setup.cfg allows and that still install together."""
    old = ["spacy==3.8.7", "thinc==8.3.4", "torch==2.6.0", "numpy<2.1", "srsly==2.4.8"]
    session.install(CPU, *old, "-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=PYTHONS)
def newest(session: nox.Session) -> None:
    """The newest versions that setup.cfg allows."""
    session.install(CPU, "--upgrade", "-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)
