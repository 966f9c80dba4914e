"""Errors of messages: bad arguments, unknown sources and the like."""


class BadArgumentsError(ValueError):
    """Arguments of the wrong number or type."""


class NonfiniteError(BadArgumentsError):
    """NaN or infinity where a number belongs."""
