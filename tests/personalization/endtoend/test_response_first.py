"""Systems that learn responses before scenes: what responses teach is what scenes hear."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from endtoend_scenes import ShadowScenes  # noqa: E402

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S  # noqa: E402
from auricle.personalization.endtoend.listeners.people import LEAD_SAMPLES  # noqa: E402
from auricle.personalization.endtoend.models.nfs import nfs  # noqa: E402
from auricle.personalization.endtoend.models.nfs.nfs import Nfs  # noqa: E402
from auricle.personalization.endtoend.models.warpnet import warpnet  # noqa: E402
from auricle.personalization.endtoend.models.warpnet.warpnet import (  # noqa: E402
    WarpNet,
    WarpNetDoppler,
    chirps,
)
from auricle.personalization.endtoend.physics.poses import RATE, STEP  # noqa: E402
from auricle.personalization.endtoend.scenes.scenes import SceneSet  # noqa: E402
from auricle.personalization.endtoend.systems.base import Batch  # noqa: E402
from auricle.personalization.endtoend.systems.registry import SYSTEMS as TABLE  # noqa: E402
from auricle.personalization.endtoend.systems.registry import system  # noqa: E402
from auricle.personalization.endtoend.training import response_first  # noqa: E402
from auricle.personalization.endtoend.training.response_first import (  # noqa: E402
    ResponseFirst,
    moving_places,
)
from auricle.personalization.endtoend.training.response_training import (  # noqa: E402
    SIZE,
    Pieces,
    Responses,
    fit_responses,
)
from auricle.personalization.learning.training_loop import Plan  # noqa: E402

SYSTEMS = [each for each in map(system, TABLE.own) if issubclass(each, ResponseFirst)]
SMALL = {
    "warpnet": {"layers": 4, "channels": 8, "hidden": 8, "told": 16, "order": 2},
    "nfs": {"pairs": 2, "width": 16, "blocks": 1, "order": 2, "rank": 4},
}
D = 2


def small(system: type[ResponseFirst], stirred: float = 0.0, plan: Plan | None = None):
    torch.manual_seed(0)
    made = system(plan, code_size=D, **SMALL.get(system.name.partition("-")[0], {}))
    made.net = made.build()
    with torch.no_grad():
        for each in made.net.parameters():
            if each.requires_grad:
                each += stirred * torch.randn(each.shape)
    if isinstance(made, Nfs):
        torch.nn.init.zeros_(made.net.noise.level.weight)
    return made


def spherical(count: int, seed: int) -> "torch.Tensor":
    directions = np.random.default_rng(seed).standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return torch.from_numpy(directions.astype(np.float32))


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_loss_on_responses_knows_what_is_heard_in_scenes(system, monkeypatch):
    made = small(system, stirred=0.02)
    made.net.eval()
    late = 150  # samples that sound takes
    seen, code = spherical(4, 1), torch.tensor([[1.0, -0.5]] * 4)
    places = (seen * (late * SOUND_SPEED_M_S / RATE))[:, None].expand(-1, 193, -1)
    start = 80 * STEP
    mono = torch.zeros(4, 192 * STEP)
    mono[:, start] = 0.1
    with torch.no_grad():
        heard = made.estimate(mono, places, code)
    first = start + late - int(LEAD_SAMPLES)
    response = heard[..., first : first + 448] * (10.0 * late * SOUND_SPEED_M_S / RATE)
    for module in (nfs, warpnet):
        monkeypatch.setattr(module, "moving_places", lambda *_: places[:, :2])

    def loss(wanted):
        pieces = Pieces(wanted if made.both_ears else wanted[:, 0], seen, code)
        with torch.no_grad():
            return float(made.loss_on_responses(pieces))

    if system in (WarpNet, WarpNetDoppler):  # the first block's own output is judged as well
        monkeypatch.setattr(
            made.net, "refined", lambda *args, all_of=made.net.refined: all_of(*args)[-1:]
        )
    assert loss(response) < 0.1
    assert loss(torch.roll(response, 5, dims=-1)) > 1.0
    assert loss(1.2 * response) > 0.2


def test_nfs_says_what_both_ears_hear():
    """As ``fit_code`` asks for it: at 1 m and at rest."""
    made = small(Nfs, stirred=0.02)
    made.begin(torch.tensor([1.0, -1.0]))
    made.net.eval()
    directions, code = spherical(3, 6), torch.tensor([[0.8, -0.4]])
    start, mono = 80 * STEP, torch.zeros(3, 192 * STEP)
    mono[:, start] = 1.0
    with torch.no_grad():
        heard = made.estimate(mono, directions[:, None].expand(-1, 193, -1), code.expand(3, -1))
        taps, late = made.net.both_ears(directions[None], code)
    assert taps.shape == (1, 3, 2, SIZE)
    first = start + 140 - int(LEAD_SAMPLES)
    off = 140 - RATE / SOUND_SPEED_M_S + LEAD_SAMPLES + late  # samples that the window begins late
    omega = torch.arange(SIZE // 2 + 1) * (2.0 * np.pi / SIZE)
    wanted = torch.fft.rfft(heard[..., first : first + SIZE])
    found = torch.fft.rfft(taps[0]) * torch.exp(1j * omega * off[0, ..., None])
    low = slice(1, 200)  # below 19 kHz, where the delay of the warp is good
    miss = (found - wanted)[..., low].abs().square().sum() / wanted[..., low].abs().square().sum()
    assert 10.0 * torch.log10(miss) < -25.0  # what rings on is cut differently


@pytest.mark.parametrize("system", [WarpNet, WarpNetDoppler])
def test_warpnet_keeps_silence(system):
    """No layer of sound has a bias, so the system is odd: nothing in, nothing out."""
    made = small(system, stirred=0.1)
    mono = 0.1 * torch.randn(1, 20 * STEP)
    places = spherical(21, 2)[None]
    with torch.no_grad():
        found = [made.estimate(g * mono, places, torch.ones(1, D)) for g in (1.0, -1.0, 0.0)]
    torch.testing.assert_close(found[1], -found[0])
    assert torch.equal(found[2], torch.zeros_like(found[2]))


def _shadowed(rng: np.random.Generator, count: int, both: bool) -> Pieces:
    """Ears of which the far one hears less, by the listener's first number."""
    seen = spherical(count, int(rng.integers(1 << 30)))
    code = torch.from_numpy(rng.normal(size=(count, D)).astype(np.float32))
    ears = []
    for side in (1.0, -1.0):
        level = torch.exp(0.3 * side * seen[:, 1] * (1.0 + code[:, 0]))
        turn = torch.arange(SIZE // 2 + 1) * (2.0 * np.pi / SIZE)
        late = LEAD_SAMPLES - side * 11.0 * seen[:, 1:2]
        ears.append(torch.fft.irfft(torch.polar(level[:, None].expand(-1, 257), -turn * late)))
    return Pieces(torch.stack(ears, dim=1) if both else ears[0], seen, code)


class _People:
    """Stands in for ``Responses``."""

    def draw(self, rng: np.random.Generator, count: int, both: bool) -> Pieces:
        return _shadowed(rng, count, both)


@pytest.mark.parametrize("system", [WarpNet, Nfs])
def test_the_code_pays(system):
    made = small(system)
    plan = Plan(steps=150, check_steps=50, learning_rate=1e-2)
    people = _People()
    history = fit_responses(
        made.net, made.loss_on_responses, people, people, plan, counts=(24, 64),
        both=made.both_ears,
    )  # fmt: skip
    judged = _shadowed(np.random.default_rng(5), 128, made.both_ears)
    with torch.no_grad():
        own, unknown, other = (
            float(made.loss_on_responses(Pieces(judged.response, judged.seen, code)))
            for code in (judged.code, 0.0 * judged.code, judged.code.flip(0))
        )
    assert own < 0.9 * unknown
    assert unknown < other
    assert history.score < history.scores[0]
    assert not made.net.training


def test_judging_draws_the_same_each_time():
    made = small(Nfs)
    pieces = _shadowed(np.random.default_rng(1), 16, both=False)
    made.net.eval()
    assert made.loss_on_responses(pieces) == made.loss_on_responses(pieces)
    made.net.train()
    assert made.loss_on_responses(pieces) != made.loss_on_responses(pieces)


def test_pairs_of_ears_have_the_near_one_first():
    rng = np.random.default_rng(0)
    ir, positions = rng.standard_normal((3, 10, 2, 8)), spherical(10, 3).double().numpy()
    people = SimpleNamespace(laboratories=(_Laboratory(ir, positions),))
    codes = np.stack([np.full((3, D), 1.0), np.full((3, D), -1.0)], axis=1).astype(np.float32)
    found = Responses(people, codes, np.arange(3)).draw(np.random.default_rng(1), 40, both=True)
    flat = ir.reshape(-1, 2, 8).astype(np.float32)
    sides = set()
    for pair, seen, code in zip(found.response, found.seen, found.code, strict=True):
        side = int(code[0] < 0.0)
        sides.add(side)
        row = int(np.argmin(np.abs(flat[:, :: 1 - 2 * side] - pair.numpy()).sum(axis=(1, 2))))
        np.testing.assert_array_equal(flat[row, :: 1 - 2 * side], pair)
        mirror = [1.0, 1.0 - 2.0 * side, 1.0]
        np.testing.assert_allclose(seen, positions[row % 10] * mirror, atol=1e-6)
    assert sides == {0, 1}


class _Laboratory(SimpleNamespace):
    def __init__(self, ir: np.ndarray, positions: np.ndarray) -> None:
        super().__init__(ir=ir, positions=positions)

    def __len__(self) -> int:
        return len(self.ir)


def test_places_move_towards_where_responses_are_from():
    seen = spherical(2000, 4)
    places = moving_places(seen, torch.Generator().manual_seed(0))
    distance = places[:, 1].norm(dim=-1)
    torch.testing.assert_close(places[:, 1] / distance[:, None], seen)
    assert 0.5 <= float(distance.min()) < 0.6
    assert 4.5 < float(distance.max()) <= 5.0
    speed = (places[:, 1] - places[:, 0]).norm(dim=-1) * (RATE / STEP)
    assert 0.5 < float(speed.median()) < 2.0
    assert torch.equal(places, moving_places(seen, torch.Generator().manual_seed(0)))


def test_chirps_fill_all_frequencies_and_are_short():
    signal, spectrum = chirps(50, torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.fft.rfft(signal), spectrum, atol=1e-3, rtol=1e-3)
    assert (spectrum.abs().amin(dim=1) > 0.02 * spectrum.abs().amax(dim=1)).all()
    energy = signal.square()
    assert (energy[:, 128:].sum(dim=1) < 1e-2 * energy.sum(dim=1)).all()


def test_a_part_of_a_batch_is_the_same_sound_and_way():
    batch = Batch(
        torch.arange(10 * STEP)[None], torch.arange(33.0).view(1, 11, 3), torch.zeros(1, D),
        torch.arange(20 * STEP).view(1, 2, -1),
    )  # fmt: skip
    part = batch.part(3, 4)
    assert torch.equal(part.mono, batch.mono[:, 3 * STEP : 7 * STEP])
    assert torch.equal(part.binaural, batch.binaural[..., 3 * STEP : 7 * STEP])
    assert torch.equal(part.apparent_m, batch.apparent_m[:, 3:8])


class _Scenes(SceneSet):
    """Three people of noise, and scenes of other people: only the way through both is tested."""

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        ir, positions = 0.1 * rng.standard_normal((3, 12, 2, 128)), spherical(12, 8).double()
        self.listeners = SimpleNamespace(laboratories=(_Laboratory(ir, positions.numpy()),))
        own = rng.standard_normal((3, D)).astype(np.float32)
        self._codes = np.stack([own, own * np.float32([1.0, -1.0])], axis=1)
        self.code_size = D
        self.train_rows, self.validation_rows = np.arange(2), np.array([2])
        self._shadows = ShadowScenes(pieces=1, steps=20)

    def batch(self, rng: np.random.Generator) -> Batch:
        return self._shadows.batch(rng)

    def judges(self) -> list[Batch]:
        return self._shadows.judges()


@pytest.mark.parametrize("system", [WarpNet, Nfs])
def test_both_parts_train_one_network(system, monkeypatch):
    monkeypatch.setattr(system, "responses", 8)
    monkeypatch.setattr(system, "judged_responses", 8)
    monkeypatch.setattr(system, "share_of_responses", 0.7)
    seen, runs = [], []
    for _ in range(2):
        made = small(system, plan=Plan(steps=10, check_steps=4))
        made.fit(_Scenes(), lambda done, line: seen.append(done))
        runs.append(made)
    assert runs[0].history.steps == 10
    assert seen[: len(seen) // 2] == sorted(seen[: len(seen) // 2])
    assert seen[-1] == 1.0
    first, again = (each.net.state_dict() for each in runs)
    assert all(torch.equal(first[name], again[name]) for name in first)
    loaded = system.from_weights(runs[0].to_weights({})).net.state_dict()
    assert all(torch.equal(first[name], loaded[name]) for name in first)
    if system is Nfs:
        assert torch.equal(first["parity"], torch.tensor([1.0, -1.0]))


def test_the_plan_is_shared():
    first, then = small(Nfs, plan=Plan(seconds=100.0, steps=20, seed=3))._plans()
    assert (first.seconds, first.steps, then.steps) == (85.0, 17, 3)
    assert then.seconds == pytest.approx(15.0)
    assert first.seed == then.seed == 3
    assert then.learning_rate == response_first.ResponseFirst.rate_on_scenes
    said = []
    half = response_first._part(lambda done, line: said.append((done, line)), 0.6, 1.0)
    half(0.5, "well")
    assert said == [(pytest.approx(0.8), "well")]
    assert response_first._part(None, 0.0, 1.0) is None
