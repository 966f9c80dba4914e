"""The errors that Auricle raises for bad input: one sentence with the value and the remedy."""


class AuricleError(ValueError):
    """Bad input. The command line prints the message in one line and ends with status 2."""


class SofaError(AuricleError):
    """A SOFA file that is missing, damaged, or holds no usable impulse responses."""


class HrtfError(AuricleError):
    """Arrays that do not make an HRTF set."""


class SetWarning(UserWarning):
    """Something odd about a listener's set that is being used, in a sentence with the remedy."""


class MissingDependencyError(AuricleError):
    """An optional package that is not installed; the message says how to install it."""
