"""Fits of few filters: they go down, are left when hopeless, and single octaves are put right."""

import numpy as np
import pytest
import scipy.fft as fft
import synthetic_set
from scipy import sparse

from auricle.dsp.preparation import basis
from auricle.dsp.preparation.low_rank import RankFit
from auricle.dsp.preparation.octave_weighting import octave_weighting
from auricle.dsp.responses.minimum_phase import minimum_phase_of

RATE = 48000


@pytest.fixture(scope="module")
def responses() -> np.ndarray:
    ir = synthetic_set.make_set(160, sample_rate=RATE).ir
    return minimum_phase_of(ir.astype(np.float32), 2048, basis.SIZE)


def level_errors_db(responses: np.ndarray, found: basis.Basis) -> np.ndarray:
    weighting = octave_weighting(basis.SIZE, RATE, 16000.0)
    wanted, played = (
        np.abs(fft.rfft(x, basis.SIZE)) for x in (responses, found.gains @ found.filters)
    )
    return np.abs(weighting.level_errors_db(wanted, played))


def test_more_rounds_and_more_filters_are_nearer(responses: np.ndarray) -> None:
    few = basis.BasisFit(responses[:, 0], 3, RATE)
    after = [few.best_after(count).lsd_db.mean() for count in (2, 10, 20)]
    assert after[0] >= after[1] >= after[2]
    assert basis.fit_basis(responses[:, 0], 5, RATE).lsd_db.mean() < after[2]


def test_a_fit_that_will_not_keep_its_bound_is_left(responses: np.ndarray) -> None:
    fit = RankFit(responses, None, 3, RATE, 16000.0)
    assert fit.finished(0.5 * fit.expected_db) is None
    found = fit.finished()  # all the same, when nothing less is asked for
    assert found is not None
    assert np.mean([ear.lsd_db.mean() for ear in found]) == pytest.approx(fit.expected_db, rel=0.1)


def test_a_single_octave_that_is_wrong_is_put_right(responses: np.ndarray) -> None:
    ear = responses[:, 0].copy()
    spectrum = fft.rfft(ear[7], basis.SIZE)
    hz = np.arange(basis.SIZE // 2 + 1) * RATE / basis.SIZE
    spectrum[(hz > 2900.0) & (hz < 5600.0)] *= 10.0 ** (5.0 / 20.0)  # a bump as no other has
    ear[7] = fft.irfft(spectrum, basis.SIZE)
    start = basis.fit_basis(ear, 8, RATE)
    alone = sparse.identity(len(ear), format="csr", dtype=np.float32)
    held = basis.smooth_gains(ear, start, alone, None, RATE, rounds=1)
    before, after = level_errors_db(ear, start)[7].max(), level_errors_db(ear, held)[7].max()
    assert before > 1.2
    assert after < 0.6 * before
