"""For all tests: one thread of PyTorch, and how many inputs Hypothesis generates."""

from collections import Counter
from functools import wraps

import torch
from hypothesis import HealthCheck, settings

# The models here are so small that threads would only wait for each other.
torch.set_num_threads(1)

# Few in an ordinary run, many with the profile `long`. Files take their time on a busy machine.
_ALWAYS = {"deadline": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("short", max_examples=25, derandomize=True, **_ALWAYS)
settings.register_profile("long", max_examples=4500, print_blob=True, **_ALWAYS)
settings.load_profile("short")

_generated: Counter[str] = Counter()


def pytest_collection_modifyitems(items):
    """Count what each property is shown."""
    for item in items:
        handle = getattr(getattr(item, "obj", None), "hypothesis", None)
        if handle is not None and not hasattr(handle.inner_test, "counted"):
            handle.inner_test = _counted(handle.inner_test, item.nodeid)


def _counted(test, name):
    @wraps(test)
    def run(*args, **kwargs):
        _generated[name] += 1
        return test(*args, **kwargs)

    run.counted = True
    return run


def pytest_terminal_summary(terminalreporter):
    """Say how many inputs there were."""
    if not _generated:
        return
    terminalreporter.write_line(
        f"{_generated.total():,} generated inputs in {len(_generated)} properties"
    )
    if settings.default.max_examples > 1000:
        for name, count in sorted(_generated.items()):
            terminalreporter.write_line(f"{count:>9,} {name}")
