"""Another version of Auricle timed beside this one: each in a process of its own, in short turns.

A machine's speed drifts by more than versions differ, so only the ratio of two turns that follow
each other says something; there are many, and the median and the tenths of their ratios are given.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import auricle
from auricle.dsp.errors import AuricleError
from auricle.plugin_core.bench import steps

ROUNDS = 15
ROWS = (
    (1, 128, "moving"), (1, 128, "steered"), (16, 64, "moving"), (16, 128, "moving"),
    (16, 512, "moving"), (64, 128, "moving"), (256, 128, "moving"), (1000, 128, "moving"),
    (4000, 128, "moving"), (1000, 128, "at rest"), (1000, 128, "silent"),
    (1000, 128, "switched off"), (10000, 128, "few"), (64, 128, "fade to silence"),
)  # fmt: skip


@dataclass(frozen=True)
class AgainstRow:
    """A scene in both versions: processor time in us a source and step of 128 samples."""

    kind: str
    block_size: int
    n_sources: int
    microseconds: float  # median over turns of the median step
    microseconds_other: float
    ratio: float  # this one's time over the other's, median over pairs of turns
    ratio_p10: float
    ratio_p90: float

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


@contextmanager
def other_version(where: str) -> Iterator[Path]:
    """The folder that holds another version's package ``auricle``, while the block runs.

    Args:
        where: such a folder (a checkout, or what ``pip install --target`` filled), or a revision
            of the checkout that this version runs from.

    Raises:
        AuricleError: neither.
    """
    folder = Path(where)
    if (folder / "auricle" / "__init__.py").is_file():
        yield folder.resolve()
        return
    own = Path(auricle.__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory(prefix="auricle-") as empty:
        archive = Path(empty, "tree.tar")
        made = subprocess.run(
            ["git", "-C", own, "archive", "-o", archive, where], capture_output=True, text=True
        ) if (own / ".git").exists() and not where.startswith("-") else None  # fmt: skip
        if made is None or made.returncode != 0:
            raise AuricleError(
                f"--against {where}: neither a folder with the package auricle nor a revision of "
                f"this checkout; fill a folder by pip install --target DIR auricle==VERSION"
            )
        safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        with tarfile.open(archive) as tree:
            tree.extractall(empty, **safely)
        yield Path(empty)


def against_rows(
    where: str, hrtf: str | None, rank: str | int, seconds: float, sample_rate: int = 48000,
    rows: tuple[tuple[int, int, str], ...] = ROWS, show: Callable[[str], None] = lambda line: None,
) -> Iterator[AgainstRow]:  # fmt: skip
    """A row a scene, of two versions that are timed by turns.

    Args:
        where: the other version: a folder, or a revision of a checkout.
        hrtf: SOFA file; None: the default listener.
        rank: "auto", "full" or a number of buses.
        seconds: spent on each row in each version, in ``ROUNDS`` turns.
        sample_rate: Hz.
        rows: number of sources, block size and scene of each.
        show: called with a line on what happens.

    Raises:
        AuricleError: the other version is not there, or ends with an error, which is named.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(other_version(where))
        own = Path(auricle.__file__).resolve().parents[1]
        both = [stack.enter_context(_Worker(each)) for each in (own, folder)]
        for n_sources, block_size, kind in rows:
            show(f"{n_sources} sources, {kind}, blocks of {block_size}")
            order: dict[str, object] = {
                "do": "open", "hrtf": hrtf, "rank": rank, "sample_rate": sample_rate,
                "block_size": block_size, "n_sources": n_sources, "kind": kind,
            }  # fmt: skip
            for worker in both:
                worker.ask(order)
            rounds = 3 if kind == "fade to silence" else ROUNDS
            taken = np.array([
                [_median(worker, seconds / rounds, n_sources, kind) for worker in both]
                for _ in range(rounds)
            ])  # fmt: skip
            ratios = np.percentile(taken[:, 0] / taken[:, 1], (50, 10, 90)).tolist()
            medians = np.median(taken, axis=0).tolist()
            yield AgainstRow(kind, block_size, n_sources, *medians, *ratios)


def _median(worker: "_Worker", seconds: float, n_sources: int, kind: str) -> float:
    taken = worker.ask({"do": "time", "seconds": seconds})
    return steps.row_of(taken, n_sources, kind)["median"]


class _Worker:
    """``steps.py`` at work with the package of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> "_Worker":
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, steps.__file__, str(self._folder)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip
        return self

    def ask(self, order: dict[str, object]) -> Any:
        """The answer to an order; AuricleError if the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer:
            return json.loads(answer)
        self._process.wait()
        self._errors.seek(0)
        said = (self._errors.read().strip().splitlines() or ["ended without a word"])[-1]
        raise AuricleError(f"{self._folder}: cannot be measured: {said}")

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()
