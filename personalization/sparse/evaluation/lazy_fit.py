"""Methods that learn when they are first needed: a result that is kept needs no learning."""

import hashlib
import time
from pathlib import Path
from typing import Any

from auricle.dsp.errors import AuricleError
from auricle.personalization.learning.weights import load_weights, save_weights, shipped_weights
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.sparse.registry import METHODS, method
from auricle.personalization.sparse.trained import learned, load_trained

TRAINING_MINUTES = 5.0


class Fitted:
    """A method by name and the listeners it learns from; called, the method that has learned.

    With weights that are finished nothing is trained; networks for other laboratories are never
    trained here, since what ships of the listeners is too smooth to learn from.

    Args:
        name: of the method.
        train: the listeners it learns from.
        cache: folder in which networks keep their weights, so that a comparison that was stopped
            goes on with the same network.
        where: a word for the listeners, in the name of the file of weights.
        minutes: of processor time for which networks train.
        finished: file of weights in place of a training.

    Attributes:
        name: of the method.
        seconds: that learning took; 0.0 before the first call.

    Raises:
        AuricleError: a method that is not trained for a comparison, and whose weights do not ship.
    """

    def __init__(
        self, name: str, train: ListenerGroup, cache: Path, where: str,
        minutes: float = TRAINING_MINUTES, finished: Path | None = None,
    ) -> None:  # fmt: skip
        self.name, self.seconds = name, 0.0
        self._train, self._minutes = train, minutes
        if finished is None and METHODS.find(name).of_shipped:
            finished = shipped_weights(name)
            if not finished.is_file():
                raise AuricleError(
                    f"{name} is not trained for a comparison and no weights of it ship: auricle "
                    f"train {name} --data DIR -o W/{name}.safetensors, then give --weights W"
                )
        self._finished = finished
        self._weights = finished or cache / f"{self.label}-{where}.safetensors"
        self._method: Any = None

    @property
    def label(self) -> str:
        """For names of files: the name, and of networks which weights, or how long they train."""
        if self._finished is not None:
            digest = hashlib.sha256(self._finished.read_bytes()).hexdigest()
            return f"{self.name}-{digest[:8]}"
        return f"{self.name}-{self._minutes:g}min" if METHODS.find(self.name).learned else self.name

    def __call__(self) -> Any:
        """The method; it learns the first time."""
        if self._method is None:
            network = METHODS.find(self.name).learned or self._finished is not None
            self._method = self._network() if network else self._learned()
        return self._method

    def _learned(self) -> Any:
        start = time.perf_counter()
        made: Any = method(self.name)()
        made.fit(self._train)
        self.seconds = time.perf_counter() - start
        return made

    def _network(self) -> Any:
        if self._weights.is_file():
            weights = load_weights(self._weights, self.name)
            self.seconds = float(weights.notes.get("seconds", 0.0))
            return load_trained(self._weights)
        from auricle.personalization.learning.training_loop import (
            Plan,  # torch, which no other method needs
        )

        start = time.process_time()
        made = learned(self.name)(Plan(seconds=60.0 * self._minutes))
        made.fit(self._train)
        self.seconds = time.process_time() - start
        self._weights.parent.mkdir(parents=True, exist_ok=True)
        save_weights(self._weights, made.to_weights(seconds=self.seconds, steps=made.history.steps))
        return made
