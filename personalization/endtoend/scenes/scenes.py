"""Scenes: who hears what from where, rendered through measured responses.

A scene is drawn from a seed and a number alone: a dry sound, a head that turns, a source that
moves, perhaps a small room and a noisy recording. For training, scenes of all people are rendered
once to disk (``pool``) and short pieces are drawn from them; tests have whole scenes, the same for
each listener, so that listeners can be compared in pairs.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.dsp.arrays import Float32, Int64
from auricle.dsp.errors import AuricleError
from auricle.dsp.preparation.cache import cache_folder, load_archive, save_archive
from auricle.dsp.storage.digests import digest_of
from auricle.personalization.endtoend.listeners.people import Licence, Listeners, Role
from auricle.personalization.endtoend.physics.poses import STEP, Poses, heard_poses
from auricle.personalization.endtoend.scenes.clip_store import Clip, Pool, Say, kept_pool
from auricle.personalization.endtoend.scenes.dry_sounds import Kind, SoundSet, with_noise
from auricle.personalization.endtoend.scenes.head_motion import HeadTraces, source_way
from auricle.personalization.endtoend.scenes.reference_renderer import ExplicitRenderer
from auricle.personalization.endtoend.scenes.shoebox import draw_room, images
from auricle.personalization.endtoend.systems.base import CONTEXT_STEPS, Batch

VERSION = 1  # of all that decides a scene
PIECE_STEPS = CONTEXT_STEPS + 160  # 85 ms of past and 0.43 s that are judged
POOL_STEPS = 750  # of a scene in the pool: 2 s
TEST_STEPS = 1500
TEST_SCENES = 6
UNKNOWN_SHARE = 0.2  # of pieces whose listener the system is not told
NEAREST_M = 0.4  # nearer, a scene is drawn again
SNR_DB = (15.0, 40.0)
_JUDGE_SCENES, _JUDGE_BATCHES = 4, 4
_ROLES = {"train": 0, "validation": 1, "test": 2}


@dataclass(frozen=True)
class DryScene:
    """A scene before anyone hears it.

    Attributes:
        mono: (T,) the sound, as the systems get it.
        sources: the source's apparent places, then those of its images in a room.
        gains: (I,) of each of them.
        kind, sound, trace, way: what it is made of, in words.
    """

    mono: Float32
    sources: tuple[Poses, ...]
    gains: NDArray[np.float64]
    kind: Kind
    sound: str
    trace: str
    way: str


@dataclass(frozen=True)
class Scene:
    """A scene as a listener hears it: both ears (2, T) of a dry scene; ``listener`` is a row."""

    dry: DryScene
    listener: int
    binaural: Float32

    @property
    def mono(self) -> Float32:
        """The sound (T,)."""
        return self.dry.mono

    @property
    def poses(self) -> Poses:
        """The poses at which the source itself is heard."""
        return self.dry.sources[0]


@dataclass(frozen=True)
class SceneSampler:
    """The sounds and traces from which scenes of one role are drawn.

    Attributes:
        sounds: of that role.
        traces: of that role.
        room_share: of scenes in a room; no system is told of it, so in a room none is exact.
        noise_share: of scenes whose sound is a noisy recording.
    """

    sounds: SoundSet
    traces: HeadTraces
    room_share: float = 0.0
    noise_share: float = 0.2

    @classmethod
    def of(
        cls, data: Path | None, role: Role, licence: Licence = "all", room_share: float = 0.0,
        noise_share: float = 0.2,
    ) -> "SceneSampler":  # fmt: skip
        """All sounds and traces of a role in a folder of data, or synthetic ones.

        Args:
            data: the folder; None: synthetic ones.
            role: "train", "validation" or "test".
            licence: "all" or "shippable".
            room_share: of scenes in a room.
            noise_share: of scenes whose sound is a noisy recording.
        """
        for name, share in (("room_share", room_share), ("noise_share", noise_share)):
            if not 0.0 <= share <= 1.0:
                raise AuricleError(f"{name} is a share from 0 to 1, got {share}")
        return cls(
            SoundSet(data, role, licence), HeadTraces(data, role, licence), room_share, noise_share
        )

    def tell_synthetic(self, data: Path | None, say: Say) -> None:
        """Say where the folder holds no speech or no head of this role."""
        there = {"speech": self.sounds.files["speech"], "heads": self.traces.names}
        lacking = [name for name, recordings in there.items() if not recordings]
        if lacking:
            say(
                f"{data}: no {' or '.join(lacking)} to {self.sounds.role}; synthetic ones take "
                "their place (recordings lie in speech, music and headtrack of DIR)"
            )

    def digest(self) -> str:
        """A name for what can be drawn."""
        parts = f"{VERSION} {self.sounds.digest()} {self.traces.names} "
        parts += f"{self.room_share} {self.noise_share}"
        return digest_of(parts, size=16)

    def draw(self, seed: Sequence[int], n_steps: int) -> DryScene:
        """The scene with that seed, ``n_steps`` long."""
        rng = np.random.default_rng([_ROLES[self.sounds.role], *seed])
        sound = self.sounds.draw(rng, n_steps * STEP)
        mono = sound.mono
        if rng.random() < self.noise_share:
            mono = with_noise(mono, rng.uniform(*SNR_DB), rng)
        while True:
            orientations, head_m, trace = self.traces.draw(rng, n_steps)
            source_m, way = source_way(rng, n_steps)
            poses = heard_poses(source_m, orientations, head_m)
            if poses.distance_m.min() >= NEAREST_M:
                break
        if not rng.random() < self.room_share:
            return DryScene(mono, (poses,), np.ones(1), sound.kind, sound.name, trace, way)
        room = draw_room(rng, np.stack([source_m, head_m]))
        ways, gains = images(source_m, room)
        sources = tuple(heard_poses(each, orientations, head_m) for each in ways)
        return DryScene(mono, sources, gains, sound.kind, sound.name, trace, way)


class SceneSet:
    """Pieces of scenes to train on, drawn from a pool on disk that is rendered the first time.

    Args:
        listeners: people with roles; those of "train" and "validation" are heard.
        data: folder of sounds and head traces; None: synthetic ones.
        licence: as of the listeners.
        codes: of the listeners: (P, D), or (P, 2, D) with those of their mirror images, which then
            train too. None: no codes, D = 0, mirror images train.
        batch_size: pieces of a batch.
        piece_steps: steps of a piece, ``CONTEXT_STEPS`` of past included.
        scenes_each: scenes of 2 s that each person hears.
        most_people: who train; None: all.
        room_share, noise_share: as of ``SceneSampler``.
        seed: of the pool.
        say: told of each person rendered into the pool.
    """

    def __init__(
        self, listeners: Listeners, data: Path | None = None, licence: Licence = "all",
        codes: Float32 | None = None, *, batch_size: int = 8, piece_steps: int = PIECE_STEPS,
        scenes_each: int = 12, most_people: int | None = None, room_share: float = 0.0,
        noise_share: float = 0.2, seed: int = 0, say: Say | None = None,
    ) -> None:  # fmt: skip
        if not CONTEXT_STEPS < piece_steps <= POOL_STEPS:
            raise AuricleError(
                f"a piece has {CONTEXT_STEPS + 1} to {POOL_STEPS} steps, got {piece_steps}"
            )
        self.listeners = listeners
        self._codes = _both(codes, len(listeners))
        self._mirrored = codes is None or np.ndim(codes) == 3
        self.code_size = self._codes.shape[-1]
        self.batch_size, self.piece_steps = batch_size, piece_steps
        rows = listeners.rows("train")
        if not len(rows):
            raise AuricleError("nobody is there to train on; name a folder with hutubs or cipic")
        if most_people is not None and most_people < len(rows):
            rows = rows[np.linspace(0, len(rows) - 1, most_people).round().astype(np.int64)]
        validation_rows = listeners.rows("validation")
        self.train_rows, self.validation_rows = rows, rows[:1]
        if len(validation_rows):
            self.validation_rows = validation_rows

        def pools(role: Role) -> list[Pool]:
            stage = SceneSampler.of(data, role, licence, room_share, noise_share)
            if say is not None:
                stage.tell_synthetic(data, say)
            if role == "train":
                return _pools(listeners, self.train_rows, stage, scenes_each, seed, say)
            return _pools(listeners, self.validation_rows, stage, _JUDGE_SCENES, seed, say)

        self._pools_of = pools

    @property
    def codes(self) -> Float32:
        """Codes (P, 2, D) of all listeners and of their mirror images."""
        return self._codes

    @cached_property
    def _train(self) -> list[Pool]:
        return self._pools_of("train")

    @cached_property
    def _judge(self) -> list[Pool]:
        return self._pools_of("validation")

    def batch(self, rng: np.random.Generator) -> Batch:
        """Pieces of people who train, some mirrored, some without their code."""
        mirrored = (rng.random(self.batch_size) < 0.5) & self._mirrored
        known = rng.random(self.batch_size) >= UNKNOWN_SHARE
        return self._pieces(self._train, self.train_rows, rng, mirrored, known)

    def judges(self) -> list[Batch]:
        """The pieces that say when to stop, the same each time, of people and sounds that train
        nothing.
        """
        rng = np.random.default_rng(0)
        plain, known = np.zeros(self.batch_size, bool), np.ones(self.batch_size, bool)
        return [
            self._pieces(self._judge, self.validation_rows, rng, plain, known)
            for _ in range(_JUDGE_BATCHES)
        ]

    def _pieces(
        self, pools: list[Pool], people: Int64, rng: np.random.Generator,
        mirrored: NDArray[np.bool_], known: NDArray[np.bool_],
    ) -> Batch:  # fmt: skip
        steps = self.piece_steps
        whose = rng.integers(len(pools), size=self.batch_size)
        scenes = rng.integers(len(pools[0]), size=self.batch_size)
        firsts = rng.integers(POOL_STEPS - steps + 1, size=self.batch_size)
        mono = np.empty((self.batch_size, steps * STEP), np.float32)
        places = np.empty((self.batch_size, steps + 1, 3), np.float32)
        binaural = np.empty((self.batch_size, 2, steps * STEP), np.float32)
        code = np.zeros((self.batch_size, self.code_size), np.float32)
        for k, (who, scene, first) in enumerate(zip(whose, scenes, firsts, strict=True)):
            pool = pools[who]
            samples = slice(first * STEP, (first + steps) * STEP)
            mono[k] = pool.mono[scene, samples]
            places[k] = pool.apparent_m[scene, first : first + steps + 1]
            side = int(mirrored[k])
            binaural[k] = pool.binaural[scene, :: 1 - 2 * side, samples]
            if side:
                places[k, :, 1] *= -1.0
            if known[k]:
                code[k] = self._codes[people[who], side]
        return Batch(
            torch.from_numpy(mono), torch.from_numpy(places), torch.from_numpy(code),
            torch.from_numpy(binaural),
        )  # fmt: skip


def whole_scenes(
    listeners: Listeners,
    stage: SceneSampler,
    row: int,
    n_scenes: int = TEST_SCENES,
    *,
    seed: int = 0,
) -> Iterator[Scene]:
    """Whole scenes of 4 s as a listener hears them.

    Scene by scene the same sound, head and way for each listener. Kept on disk.

    Args:
        listeners: of whom one hears.
        stage: sounds and traces.
        row: of the listener.
        n_scenes: how many.
        seed: of the scenes.
    """
    words = f"{stage.digest()} {listeners.digest([row])} {n_scenes} {seed} {TEST_STEPS}"
    name = f"test-{digest_of(words)}.npz"
    path = cache_folder().parent / "endtoend" / name
    drawn = [stage.draw([seed, index], TEST_STEPS) for index in range(n_scenes)]
    kept = load_archive(path)
    if kept is None:
        renderer = ExplicitRenderer(listeners.hrtf_set(row))
        heard = [renderer.render(each.mono, each.sources, each.gains) for each in drawn]
        kept = {"binaural": np.stack(heard)}
        save_archive(path, kept)
    for dry, binaural in zip(drawn, kept["binaural"], strict=True):
        yield Scene(dry, row, binaural)


def _pools(
    listeners: Listeners, rows: Int64, stage: SceneSampler, count: int, seed: int, say: Say | None
) -> list[Pool]:
    """Scenes of each listener of ``rows``; rendered where they are not on disk."""

    def scenes_of(row: int) -> Iterator[Clip]:
        renderer = ExplicitRenderer(listeners.hrtf_set(row))
        person = int.from_bytes(hashlib.sha256(listeners.names[row].encode()).digest()[:4], "big")
        for index in range(count):
            dry = stage.draw([seed, person, index], POOL_STEPS)
            binaural = renderer.render(dry.mono, dry.sources, dry.gains)
            yield dry.mono, dry.sources[0].apparent_m.astype(np.float32), binaural

    pools = []
    for number, row in enumerate(rows.tolist(), 1):
        words = f"{stage.digest()} {listeners.digest([row])} {count} {seed} {POOL_STEPS}"
        name = f"scenes-{digest_of(words)}"
        folder = cache_folder().parent / "endtoend" / name
        pool, made = kept_pool(folder, count, POOL_STEPS, partial(scenes_of, row))
        pools.append(pool)
        if made and say is not None:
            say(f"scenes of {number} of {len(rows)} people to {stage.sounds.role} are ready")
    return pools


def _both(codes: Float32 | None, n_listeners: int) -> Float32:
    """Codes (P, 2, D) of listeners and of their mirror images."""
    if codes is None:
        return np.zeros((n_listeners, 2, 0), np.float32)
    given = np.asarray(codes, dtype=np.float32)
    if given.ndim == 2:
        given = np.stack([given, given], axis=1)
    if given.ndim != 3 or given.shape[:2] != (n_listeners, 2):
        raise AuricleError(
            f"codes are ({n_listeners}, D) or ({n_listeners}, 2, D), got {np.shape(codes)}"
        )
    return given
