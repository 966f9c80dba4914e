"""Small networks with drawn weights, as the engine of LINN takes them."""

import numpy as np

from auricle.dsp.neural.linn_filters import EarNetworks, knots_hz

RATE, WIDTH, BANDS, PHASES = 48000, 24, 16, 5


def networks(seed: int = 0, ears_alike: bool = False) -> EarNetworks:
    rng = np.random.default_rng(seed)

    def layer(*shape: int) -> np.ndarray:
        values = rng.standard_normal((2, *shape)) / np.sqrt(shape[-1])
        return (
            np.repeat(values[:1], 2, axis=0).astype(np.float32)
            if ears_alike
            else (values.astype(np.float32))
        )

    said = BANDS + 1 + PHASES
    return EarNetworks(
        layer(WIDTH, 16), layer(WIDTH), layer(WIDTH, WIDTH), layer(WIDTH), layer(said, WIDTH),
        layer(said), knots_hz(BANDS, RATE / 2), knots_hz(PHASES + 2, 6000.0), 11.2, RATE,
    )  # fmt: skip
