"""What is wrong with a message."""


class BadArgumentsError(ValueError):
    """Arguments of the wrong number or type."""


class NonfiniteError(BadArgumentsError):
    """NaN or infinity where a number belongs."""
