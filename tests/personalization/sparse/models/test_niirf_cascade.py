import numpy as np
import pytest
import small_listeners

torch = pytest.importorskip("torch")

from auricle.dsp.filters.biquad import response  # noqa: E402
from auricle.dsp.iir.cascade_kernels import LEAST_DELAY  # noqa: E402
from auricle.personalization.learning.training_loop import Plan  # noqa: E402
from auricle.personalization.listeners.features import EVALUATED_BINS, SAMPLE_RATE, SIZE  # noqa: E402
from auricle.personalization.sparse.models.niirf import Niirf  # noqa: E402
from auricle.personalization.sparse.models.niirf_cascade import cascade_set  # noqa: E402


def test_filters_of_a_listener_have_the_spectrum_that_the_model_predicts():
    small = {"width": 16, "peaks": 4, "fourier": 8, "listeners": 4, "targets": 6, "fit_steps": 3}
    niirf = Niirf(Plan(steps=4, check_steps=2), **small)
    niirf.fit(small_listeners.listeners())
    measured = small_listeners.listeners(1, seed=4).listener(0, np.arange(0, 62, 5))
    targets = small_listeners.listeners(1).positions
    made = cascade_set(niirf, measured, targets)
    wanted = niirf.predict(measured, targets)
    hz = np.arange(EVALUATED_BINS.start, EVALUATED_BINS.stop) * SAMPLE_RATE / SIZE
    response_db = 20 * np.log10(np.abs(response(made.coefficients, hz, SAMPLE_RATE)))
    found_db = response_db.sum(axis=2)[made.mesh.vertex_of_row]
    assert np.max(np.abs(found_db - wanted.magnitude_db[..., EVALUATED_BINS])) < 0.05
    late = made.delays[made.mesh.vertex_of_row] / SAMPLE_RATE
    itd = wanted.arrival_seconds @ [1.0, -1.0]
    assert np.allclose(late @ [1.0, -1.0], itd, atol=1e-9)
    assert late.min() == pytest.approx(LEAST_DELAY / SAMPLE_RATE)
