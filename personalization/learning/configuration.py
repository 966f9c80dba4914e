"""Sizes and settings of a model: a frozen dataclass each, plain JSON in its file of weights."""

from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from auricle.dsp.errors import AuricleError

Kind = TypeVar("Kind", bound="Configuration")


@dataclass(frozen=True)
class Configuration:
    """Sizes and settings with which a model is built and trained; models add their own fields."""


def configured(name: str, defaults: Kind, given: dict[str, Any]) -> Kind:
    """The settings of a model, some in place of its defaults.

    Args:
        name: of the model, for messages.
        defaults: of the model.
        given: fields by name.

    Raises:
        AuricleError: a field that it has not.
    """
    known = [field.name for field in fields(defaults)]
    unknown = set(given) - set(known)
    if unknown:
        raise AuricleError(
            f"{name} has no setting {', '.join(sorted(unknown))}; it has {', '.join(known)}"
        )
    return replace(defaults, **given)
