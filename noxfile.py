"""The versions that are supported: `pip install nox`, then `nox` or `nox -s oldest`.

Each session needs its Python on the machine. Pipelines of released versions must find in all of
them what they found when they were saved (tests/pipeline/test_same_result.py).
"""

from pathlib import Path

import nox

LOCK = Path("requirements.lock")
# PyPI has no builds of torch for the CPU on Linux, so its line is written here: the version of
# constraints.txt and the hash of https://download.pytorch.org/whl/cpu for what CI runs on.
TORCH = """
# PyTorch's own build for the CPU, for Python 3.11 on Linux x86-64. On other machines install torch
# before all else, as README.md says: what is there already is not asked for its hash.
torch==2.13.0 \\
    --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b
"""

# What PyPI's builds of torch need and those for the CPU do not.
CUDA = """
cuda-bindings
cuda-toolkit
nvidia-cublas
nvidia-cudnn-cu13
nvidia-cusparselt-cu13
nvidia-nccl-cu13
nvidia-nvshmem-cu13
triton
"""

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


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Write requirements.lock: what tests need, in the versions of constraints.txt, with hashes."""
    session.install("uv")
    excluded = Path(session.create_tmp(), "excluded.txt")
    excluded.write_text(CUDA, "utf-8")
    what = ["setup.cfg", "--extra", "dev", "-c", "constraints.txt", "--no-emit-package", "torch"]
    what += ["--excludes", str(excluded)]
    how = ["--universal", "--python-version", "3.10", "--generate-hashes", "--no-annotate"]
    header = "--custom-compile-command", "nox -s lock"
    session.run("uv", "pip", "compile", "-q", *what, *how, *header, "-o", str(LOCK))
    LOCK.write_text(LOCK.read_text("utf-8") + TORCH, "utf-8")
