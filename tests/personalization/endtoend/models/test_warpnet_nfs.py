"""WarpNet and NFS: how they begin, what they may look at, and that they learn."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from endtoend_scenes import CODE_SIZE, ShadowScenes  # noqa: E402

from auricle.personalization.endtoend.models.nfs.nfs import Nfs, NfsDoppler  # noqa: E402
from auricle.personalization.endtoend.models.warpnet.network import monotone  # noqa: E402
from auricle.personalization.endtoend.models.warpnet.warpnet import (  # noqa: E402
    WarpNet,
    WarpNetDoppler,
)
from auricle.personalization.endtoend.physics import frame_shift as fourier  # noqa: E402
from auricle.personalization.endtoend.physics.geometric_warp import geometric_warp  # noqa: E402
from auricle.personalization.endtoend.physics.pose_encoding import n_pose_features, pose_features  # noqa: E402
from auricle.personalization.endtoend.physics.poses import STEP, Poses  # noqa: E402
from auricle.personalization.endtoend.systems.base import CONTEXT_STEPS, NeuralRenderer  # noqa: E402
from auricle.personalization.endtoend.systems.registry import SYSTEMS as TABLE  # noqa: E402
from auricle.personalization.endtoend.systems.registry import system  # noqa: E402
from auricle.personalization.learning.training_loop import Plan  # noqa: E402

SMALL = {
    "warpnet": {
        "blocks": 2,
        "layers": 3,
        "channels": 6,
        "hidden": 6,
        "told": 16,
        "order": 2,
        "warp_channels": 16,
    },
    "nfs": {"pairs": 1, "width": 16, "blocks": 1, "order": 2, "rank": 4},
}
SYSTEMS = [system(name) for name in TABLE.own if name.partition("-")[0] in SMALL]


def small(system: type[NeuralRenderer], plan: Plan | None = None) -> NeuralRenderer:
    return system(plan, code_size=CODE_SIZE, **SMALL[system.name.partition("-")[0]])


def made(system: type[NeuralRenderer], seed: int = 0, stirred: float = 0.0) -> NeuralRenderer:
    """A small system as it begins, or with all its weights moved by chance."""
    torch.manual_seed(seed)
    found = small(system)
    found.net = found.build().eval()
    with torch.no_grad():
        for each in found.net.parameters():
            if each.requires_grad:
                each += stirred * torch.randn(each.shape)
    return found


def moving(n_steps: int = 60, seed: int = 5) -> tuple["torch.Tensor", ...]:
    """Sound, places and a listener."""
    batch = ShadowScenes(1, n_steps - CONTEXT_STEPS).batch(np.random.default_rng(seed))
    return batch.mono, batch.apparent_m, batch.code


def decibel(error: "torch.Tensor", wanted: "torch.Tensor") -> float:
    return 10.0 * float(torch.log10(error.square().mean() / wanted.square().mean() + 1e-30))


@pytest.mark.parametrize("system", SYSTEMS)
def test_begins_as_the_geometric_warp(system):
    mono, places, code = moving()
    with torch.no_grad():
        found = made(system).estimate(mono, places, code)
    wanted = geometric_warp(mono, places)
    assert found.shape == wanted.shape == (1, 2, mono.shape[1])
    assert decibel(found - wanted, wanted) < -90.0


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_listener_is_heard(system):
    mono, places, code = moving()
    stirred = made(system, stirred=0.1)
    with torch.no_grad():
        one, other = (stirred.estimate(mono, places, each) for each in (code, code + 1.0))
    assert decibel(one - other, one) > -60.0


@pytest.mark.parametrize("system", [WarpNet, WarpNetDoppler])
def test_warpnet_is_causal(system):
    mono, places, code = moving()
    now = 45
    later = mono.clone(), places.clone()
    later[0][:, now * STEP :] += 1.0
    later[1][:, now + 1 :] += 0.5
    stirred = made(system, stirred=0.1)
    with torch.no_grad():
        known = stirred.estimate(mono, places, code)[..., : now * STEP]
        found = stirred.estimate(*later, code)[..., : now * STEP]
    assert torch.equal(known, found)


def test_warpnet_hears_no_farther_back_than_the_context():
    """That of the learned warp is 5 poses; here: convolutions as many as in the shipped sizes."""
    sizes = WarpNet.DEFAULTS
    convolutions = sizes.blocks * (2**sizes.layers - 1)
    assert convolutions < 4 * STEP
    torch.manual_seed(0)
    system = WarpNet(code_size=CODE_SIZE)
    system.net = system.build().eval()
    torch.nn.init.normal_(system.net.blocks[-1].head.weight)
    mono, places, code = moving(CONTEXT_STEPS + 20)
    other = mono.clone()
    other[:, :STEP] += 1.0
    with torch.no_grad():
        known, found = (system.estimate(each, places, code) for each in (mono, other))
    # At 2 m a delay of 0.28 steps a metre; what is left of the context is for farther sources.
    heard = slice((1 + 3 + 4) * STEP, None)
    assert torch.equal(known[..., heard], found[..., heard])
    assert not torch.equal(known, found)


def test_the_warp_reads_no_place_twice_backwards():
    rng = np.random.default_rng(3)
    delay = torch.from_numpy(rng.uniform(20.0, 90.0, (2, 2, 500)))
    place = torch.arange(500) - monotone(delay)
    assert (torch.diff(place, dim=-1) > -1e-9).all()
    running = np.maximum.accumulate(np.arange(500) - delay.numpy(), axis=-1)
    np.testing.assert_allclose(place.numpy(), running, atol=1e-9)
    slow = 50.0 + 0.5 * torch.arange(500.0).expand(1, 2, -1)
    assert torch.equal(monotone(slow), slow)


def test_a_fourier_shift_by_whole_samples_is_exact():
    rng = np.random.default_rng(4)
    n_samples, delays = 31_007, (0.0, 7.0, 200.0, -48.0)
    signal = torch.from_numpy(rng.standard_normal((1, n_samples)).astype(np.float32))
    frames = fourier.framed(signal)
    for delay in delays:
        constant = torch.full((frames.shape[1], 1, fourier.N_BINS), delay)
        moved = fourier.shifted(frames[0], constant, torch.ones_like(constant))
        found = fourier.overlapped(moved[None], n_samples)
        wanted = torch.zeros_like(signal)
        late = int(delay)
        if late >= 0:
            wanted[:, late:] = signal[:, : n_samples - late]
        else:
            wanted[:, :late] = signal[:, -late:]
        assert decibel(found - wanted, wanted) < -90.0  # float32 angles of hundreds of radians


@pytest.mark.parametrize("system", SYSTEMS)
def test_pieces_sound_as_the_whole(system, monkeypatch):
    monkeypatch.setattr(system, "chunk_steps", 61)
    hop = fourier.HOP_STEPS
    mono, places, code = moving(CONTEXT_STEPS + 7 * hop)
    stirred = made(system, stirred=0.03)
    poses = Poses(places[0].double().numpy())
    found = torch.from_numpy(stirred.render(mono[0].numpy(), poses, code[0].numpy()))
    with torch.no_grad():
        wanted = stirred.estimate(mono, places, code)[0]
        if system in (Nfs, NfsDoppler):  # hops of its noise count from where sound is first known
            start = (stirred.past_steps + stirred.future_steps) // hop
            silent, noisy = (stirred.net.noise(0.0 * wanted[None], k)[0] for k in (0, start))
            wanted = wanted - silent + noisy
    # A piece begins at rest with silence behind it, the whole with its first step; the end of the
    # whole lacks the frames behind it.
    inside = slice(2 * hop * STEP, -3 * hop * STEP if system in (Nfs, NfsDoppler) else None)
    assert decibel(found[:, inside] - wanted[:, inside], wanted) < -80.0


def test_nfs_serves_the_right_ear_in_the_mirror():
    mono, places, code = moving()
    stirred = made(Nfs, stirred=0.05)
    torch.nn.init.zeros_(stirred.net.noise.level.weight)
    parity = torch.tensor([1.0, -1.0])
    stirred.begin(parity)
    with torch.no_grad():
        known = stirred.estimate(mono, places, code)
        mirrored = stirred.estimate(mono, places * torch.tensor([1.0, -1.0, 1.0]), code * parity)
    assert decibel(known - geometric_warp(mono, places), known) > -60.0
    torch.testing.assert_close(mirrored, known.flip(1), atol=1e-5, rtol=1e-4)


def test_features_have_the_size_that_they_say():
    _, places, _ = moving()
    for doppler in (False, True):
        found = pose_features(places, doppler)
        assert found.shape == (1, places.shape[1] - 1, n_pose_features(doppler))
        assert found.abs().max() < 5.0


@pytest.mark.parametrize("system", [WarpNet, Nfs])
def test_learns_and_repeats(system):
    scenes = ShadowScenes(pieces=2, steps=20)
    runs = []
    for steps in (60, 3, 3):
        trained = small(system, Plan(steps=steps, check_steps=20, learning_rate=1e-2))
        trained.fit(scenes)
        runs.append(trained)
    judge = scenes.judges()[0]
    wanted = judge.judged(judge.binaural)
    warp = judge.judged(geometric_warp(judge.mono, judge.apparent_m))
    with torch.no_grad():
        found = judge.judged(runs[0].estimate(judge.mono, judge.apparent_m, judge.code))
    assert decibel(found - wanted, wanted) < decibel(warp - wanted, wanted) - 2.0
    first, again = (each.net.state_dict() for each in runs[1:])
    assert all(torch.equal(first[name], again[name]) for name in first)
    weights = runs[0].to_weights({})
    loaded = type(runs[0]).from_weights(weights)
    with torch.no_grad():
        same = judge.judged(loaded.estimate(judge.mono, judge.apparent_m, judge.code))
    assert torch.equal(same, found)
