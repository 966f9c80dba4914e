"""A kernel module as plain Python: the same code, without the compiler."""

from contextlib import contextmanager

import pytest


@contextmanager
def plain_python(module):
    """Replace the compiled functions of ``module`` by the Python functions they were made of."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in list(vars(module).items()):
            if hasattr(value, "py_func"):
                patch.setattr(module, name, value.py_func)
        yield module
