"""load_folder: a folder of SOFA files and a table of measures, as the laboratories publish them."""

import os
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.cache import cache_folder, load_archive, save_archive
from auricle.dsp.storage.digests import digest_of
from auricle.dsp.storage.part_files import forget, unfinished
from auricle.personalization.datasets.measures import aligned, plain_id, read_measures
from auricle.personalization.datasets.registry import Dataset, find
from auricle.personalization.datasets.subjects import DatasetError, Subjects, people_of

SAME_DIRECTION_DEG = 0.2  # files of one grid differ by rounding
_VERSION = 1  # of what is kept on disk
_MEASURE_FILES = ("anthropometry.csv", "anthro.mat")
_MEASURE_PATTERN = re.compile(r"ant(h|hr|rh)opom|anthro|measures", re.IGNORECASE)


@dataclass(frozen=True)
class _Read:
    """One file that could be read."""

    path: Path
    hrtf: HrtfSet


def load_folder(
    path: str | os.PathLike[str],
    *,
    pattern: str | None = None,
    true_sample_rate: int | None = None,
    cached: bool = True,
) -> Subjects:
    """The listeners whose SOFA files lie in a folder or below it, with their measures.

    The grid that most files have is taken, in the order of the first of them. Files that cannot be
    read, or that have another grid or sample rate, are left out and named in ``findings``; what is
    odd about the others is told there too, and mended by ``harmonise``, not here.

    Args:
        path: the folder; its name tells the data set of the registry.
        pattern: of the files, such as ``*FreeFieldComp_48kHz.sofa``, where a listener has several;
            None: the registry's, where such files are there, else every .sofa file.
        true_sample_rate: replaces a wrong label in all files; it does not resample.
        cached: keep what was read in ``cache_folder()``, memory-mapped the next time.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is no folder; name one that holds SOFA files")
    known = find(folder.resolve().name)
    files = _files(folder, pattern, known)
    table = _measures_file(folder)
    store = cache_folder() / "datasets" / _key([*files, *table], true_sample_rate)
    found = _load(store) if cached else None
    if found is None:
        found = _read_all(folder, files, table, known, true_sample_rate)
        if cached:
            _save(store, found)
    return found


def _files(folder: Path, pattern: str | None, known: Dataset | None) -> list[Path]:
    wanted = [pattern] if pattern else [known.pattern if known else "*.sofa", "*.sofa"]
    for each in wanted:
        files = sorted(file for file in folder.rglob(each) if not file.name.startswith("."))
        if files:
            return files
    raise DatasetError(f"{folder}: holds no file {wanted[0]}")


def _measures_file(folder: Path) -> list[Path]:
    """The table of measures, if there is one."""
    named = [folder / name for name in _MEASURE_FILES if (folder / name).is_file()]
    others = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in (".csv", ".mat") and _MEASURE_PATTERN.search(file.name)
    )
    return (named or others)[:1]


def _read_all(
    folder: Path, files: list[Path], table: list[Path], known: Dataset | None, rate: int | None
) -> Subjects:
    findings: list[str] = []
    read = []
    for file in files:
        try:
            read.append(_Read(file, HrtfSet.load(file, true_sample_rate=rate)))
        except AuricleError as error:
            findings.append(f"Left out: {_relative(error, folder)}")
    if not read:
        raise DatasetError(f"{folder}: none of {len(files)} SOFA files can be read; {findings[0]}")
    kept, order = _of_one_grid(folder, read, findings)
    ids = ids_of([each.path for each in kept])
    first = kept[0].hrtf
    n_taps = max(each.hrtf.n_taps for each in kept)
    ir = np.zeros((len(kept), first.n_directions, 2, n_taps), dtype=np.float32)
    for row, (each, places) in enumerate(zip(kept, order, strict=True)):
        ir[row, :, :, : each.hrtf.n_taps] = each.hrtf.ir[places]
    findings += _told_together([(each.path.name, each.hrtf.findings) for each in kept])
    names, measures = _measures(table, ids, findings)
    return Subjects(
        ids,
        ir,
        first.positions,
        float(np.median([each.hrtf.radius_m for each in kept])),
        first.sample_rate,
        measures,
        names,
        people_of(ids, known.repeats if known else ()),
        known.name if known else folder.resolve().name,
        tuple(findings),
    )


# --- one grid --------------------------------------------------------------------------------


def _of_one_grid(
    folder: Path, read: list[_Read], findings: list[str]
) -> tuple[list[_Read], list[NDArray[np.int64]]]:
    """The files that share grid and rate with most others, and the order of their directions."""

    def kind(each: _Read) -> tuple[int, int]:
        return each.hrtf.n_directions, each.hrtf.sample_rate

    common = Counter(map(kind, read)).most_common(1)[0][0]
    model = next(each for each in read if kind(each) == common)
    kept, order = [], []
    for each in read:
        name = each.path.relative_to(folder)
        if each.hrtf.sample_rate != common[1]:
            findings.append(f"Left out: {name} has {each.hrtf.sample_rate} Hz, not {common[1]}.")
            continue
        places = _places(each.hrtf.positions, model.hrtf.positions)
        if places is None:
            findings.append(
                f"Left out: {name} has another grid ({each.hrtf.n_directions} directions) than "
                f"{model.path.name} ({common[0]})."
            )
            continue
        kept.append(each)
        order.append(places)
    return kept, order


def _places(positions: Array, wanted: Array) -> NDArray[np.int64] | None:
    """Row of ``positions`` for each row of ``wanted``; None where the grids are not the same."""
    if len(positions) != len(wanted):
        return None
    chord = np.linalg.norm(positions - wanted, axis=1)
    limit = 2.0 * np.sin(np.deg2rad(SAME_DIRECTION_DEG) / 2.0)
    if np.all(chord <= limit):
        return np.arange(len(wanted))
    chord, rows = cKDTree(positions).query(wanted)
    return rows.astype(np.int64) if np.all(chord <= limit) else None


# --- names, measures, findings ---------------------------------------------------------------


def ids_of(files: Sequence[Path]) -> tuple[str, ...]:
    """Ids of the listeners: what differs between the names of their files, numbers without zeros.

    Paths that differ only in their folders (P0001/hrir.sofa) are told apart by these.
    """
    stems = [file.stem for file in files]
    if len(set(stems)) < len(stems):
        stems = ["/".join([*file.parts[:-1], file.stem]) for file in files]
    if len(stems) == 1:
        numbers = re.findall(r"\d+", stems[0])
        return (str(int(numbers[0])) if numbers else stems[0],)
    start = len(os.path.commonprefix(stems))
    end = len(os.path.commonprefix([stem[::-1] for stem in stems]))
    shortest = min(map(len, stems))
    start, end = min(start, shortest), min(end, max(shortest - start, 0))
    while start and stems[0][start - 1].isalnum():  # never inside a number or a word
        start -= 1
    while end and stems[0][len(stems[0]) - end].isdigit():
        end -= 1
    ids = tuple(plain_id(stem[start : len(stem) - end].strip("_- /")) for stem in stems)
    return ids if len(set(ids)) == len(ids) else tuple(stems)


def _measures(
    table: list[Path], ids: tuple[str, ...], findings: list[str]
) -> tuple[tuple[str, ...], Array]:
    if not table:
        return (), np.empty((len(ids), 0))
    try:
        names, rows = read_measures(table[0])
    except DatasetError as error:
        findings.append(f"No measures: {str(error).replace(str(table[0]), table[0].name)}")
        return (), np.empty((len(ids), 0))
    measures, missing = aligned(ids, names, rows)
    if len(missing) == len(ids):
        findings.append(
            f"{table[0].name} has none of these listeners; its ids begin with "
            f"{', '.join(list(rows)[:3])}, those of the files with {', '.join(ids[:3])}."
        )
    elif missing:
        findings.append(f"{table[0].name} has no measures of {', '.join(missing)}.")
    return names, measures


def _told_together(parts: list[tuple[str, tuple[str, ...]]]) -> list[str]:
    """Each sentence once, with how many files it is true of and the first of these."""
    owners: dict[str, list[str]] = {}
    for name, sentences in parts:
        for sentence in sentences:
            alike = re.sub(r"-?\d+(\.\d+)?", "#", sentence)
            owners.setdefault(alike, []).append(f"{name}: {sentence}")
    return [
        told[0] if len(told) == 1 else f"{len(told)} of {len(parts)} files, as {told[0]}"
        for told in owners.values()
    ]


def _relative(error: AuricleError, folder: Path) -> str:
    return str(error).replace(f"{folder}{os.sep}", "")


# --- on disk ---------------------------------------------------------------------------------


def _key(files: list[Path], rate: int | None) -> str:
    words = f"{_VERSION} {rate}"
    for file in files:
        state = file.stat()
        words += f"{file.resolve()} {state.st_size} {state.st_mtime_ns}"
    return digest_of(words)


def _save(store: Path, subjects: Subjects) -> None:
    """Write a folder of arrays, whole or not at all; where nothing can be written is no cache."""
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        part = unfinished(store)
        part.mkdir()
    except OSError:
        return
    try:
        np.save(part / "ir.npy", subjects.ir)
        save_archive(
            part / "rest.npz",
            {
                "ids": np.array(subjects.ids),
                "positions": subjects.positions,
                "radius_m": subjects.radius_m,
                "sample_rate": subjects.sample_rate,
                "measures": subjects.measures,
                "measure_names": np.array(subjects.measure_names, dtype=str),
                "people": subjects.people,
                "dataset": subjects.dataset,
                "findings": np.array(subjects.findings, dtype=str),
            },
        )
        shutil.rmtree(store, ignore_errors=True)
        os.replace(part, store)
    except OSError:
        pass
    finally:
        forget(part)


def _load(store: Path) -> Subjects | None:
    rest = load_archive(store / "rest.npz")
    if rest is None:
        return None
    try:
        ir = np.load(store / "ir.npy", mmap_mode="r")
        return Subjects(
            tuple(rest["ids"].tolist()),
            ir,
            rest["positions"],
            float(rest["radius_m"]),
            int(rest["sample_rate"]),
            rest["measures"],
            tuple(rest["measure_names"].tolist()),
            rest["people"],
            str(rest["dataset"]),
            tuple(rest["findings"].tolist()),
        )
    except (OSError, ValueError, KeyError, EOFError):
        return None
