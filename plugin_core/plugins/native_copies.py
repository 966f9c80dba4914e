"""pedalboard's own plugins, taken apart into plain values and made anew: they cannot be copied.

pedalboard's objects refuse ``copy`` and ``pickle``. A ``Recipe`` holds a plugin's class and the
values of its parameters; what it makes has the same parameters and starts from silence.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """The plain values from which a plugin is made anew.

    Attributes:
        kind: name of its class in pedalboard.
        values: of its parameters, by name.
        inner: the plugins of a container.
        source: the file of a convolution.
    """

    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    inner: tuple["Recipe", ...] | None = None
    source: str | None = None


def recipe_of(plugin: Any) -> Recipe:
    """The recipe of a plugin: plain values from which one like it is made.

    Raises:
        TypeError: one that does not tell what it was made of.
    """
    import pedalboard

    kind = type(plugin)
    name = kind.__name__
    if getattr(pedalboard, name, None) is not kind:
        raise _cannot(name)
    if isinstance(plugin, (pedalboard.Chain, pedalboard.Mix, pedalboard.Pedalboard)):
        return Recipe(name, inner=tuple(recipe_of(each) for each in plugin))
    values = {
        key: getattr(plugin, key)
        for key in dir(kind)
        if isinstance(member := getattr(kind, key), property) and member.fset is not None
    }
    if isinstance(plugin, pedalboard.Convolution):
        source = plugin.impulse_response_filename
        if not source:
            raise _cannot(name)
        return Recipe(name, values, source=str(source))
    if not values and name != "Invert" or isinstance(plugin, pedalboard.ExternalPlugin):
        raise _cannot(name)
    return Recipe(name, values)


def remade(recipe: Recipe) -> Any:
    """A plugin with these parameters, silent."""
    import pedalboard

    kind: Any = getattr(pedalboard, recipe.kind)
    if recipe.inner is not None:
        return kind([remade(each) for each in recipe.inner])
    plugin = kind() if recipe.source is None else kind(recipe.source)
    for name, value in recipe.values.items():
        setattr(plugin, name, value)
    return plugin


def _cannot(name: str) -> TypeError:
    return TypeError(
        f"a chain with pedalboard's {name} cannot be copied or pickled: it does not tell what it "
        "was made of; make the chain a second time"
    )
