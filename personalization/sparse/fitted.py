"""Methods that learn when they are first needed: a result that is kept needs no learning."""

import time
from pathlib import Path
from typing import Any

from auricle.personalization.sparse.method import Training, method
from auricle.personalization.sparse.trained import LEARNED, learned, load_trained
from auricle.personalization.weights import save_weights

TRAINING_MINUTES = 5.0


class Fitted:
    """A method by name and the listeners it learns from; called, the method that has learned.

    Networks train for ``minutes`` of processor time and keep their weights in ``cache``, so that a
    comparison that was stopped goes on with the same network.

    Attributes:
        name: of the method.
        seconds: that learning took; 0.0 before the first call.
    """

    def __init__(
        self, name: str, train: Training, cache: Path, where: str, minutes: float = TRAINING_MINUTES
    ) -> None:
        self.name, self.seconds = name, 0.0
        self._train, self._minutes = train, minutes
        self._weights = cache / f"{self.label}-{where}.safetensors"
        self._method: Any = None

    @property
    def label(self) -> str:
        """The name, and of networks how long they train, for the names of files."""
        return f"{self.name}-{self._minutes:g}min" if self.name in LEARNED else self.name

    def __call__(self) -> Any:
        """The method; it learns the first time."""
        if self._method is None:
            self._method = self._network() if self.name in LEARNED else self._learned()
        return self._method

    def _learned(self) -> Any:
        start = time.perf_counter()
        made: Any = method(self.name)()
        made.fit(self._train)
        self.seconds = time.perf_counter() - start
        return made

    def _network(self) -> Any:
        from auricle.personalization.training import Plan  # torch, which no other method needs
        from auricle.personalization.weights import load_weights

        if self._weights.is_file():
            self.seconds = float(load_weights(self._weights).notes["seconds"])
            return load_trained(self._weights)
        start = time.process_time()
        made = learned(self.name)(Plan(seconds=60.0 * self._minutes))
        made.fit(self._train)
        self.seconds = time.process_time() - start
        self._weights.parent.mkdir(parents=True, exist_ok=True)
        save_weights(self._weights, made.to_weights(seconds=self.seconds, steps=made.history.steps))
        return made
