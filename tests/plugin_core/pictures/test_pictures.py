"""Pictures: a legend hides nobody, the two differences between the ears do not contradict."""

import numpy as np
import pytest

import auricle
from auricle.dsp.errors import AuricleError, MissingDependencyError
from auricle.dsp.hrtf import pictures

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("count", [1, 4, 40])
def test_the_names_stand_below_the_ways(count: int) -> None:
    from auricle.plugin_core.pictures.figure import new_figure
    from auricle.plugin_core.scene import picture

    figure = new_figure((13.0, 7.0))
    axis = figure.subplots()
    angles = np.linspace(0.0, 6.0, count)
    ways = [np.tile([np.cos(a), np.sin(a), 0.0], (5, 1)) for a in angles]
    picture._draw_above(axis, [f"track {i}" for i in range(count)], ways, np.zeros((5, 3)))
    picture._name_below(figure, axis)
    figure.canvas.draw()
    (legend,) = figure.legends
    assert axis.get_legend() is None
    assert legend.get_window_extent().y1 <= axis.get_window_extent().y0
    named = [text.get_text() for text in legend.get_texts()]
    assert len(named) == min(count + 1, 18)
    assert named[0] == "listener"
    if count == 40:
        assert named[-1] == "and 24 more"


def test_a_set_draws_itself(tmp_path) -> None:
    hrtf = auricle.default_hrtf(44100)
    figure = hrtf.plot(tmp_path / "set.png", title="somebody")
    assert (tmp_path / "set.png").stat().st_size > 10_000
    assert "somebody" in figure.get_suptitle()
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert "ITD (µs), + = later at the left ear" in labels
    (bar,) = [axis for axis in figure.axes if axis.get_ylabel().startswith("ILD")]
    texts = [tick.get_text() for tick in bar.get_yticklabels()]
    assert texts == ["20 right", "10", "0", "10", "20 left"]
    with pytest.raises(AuricleError, match="must end in"):
        hrtf.plot(tmp_path / "set.txt")


def test_without_the_whole_package_nothing_draws(monkeypatch) -> None:
    monkeypatch.setattr(pictures, "_draw", [])
    with pytest.raises(MissingDependencyError, match="import auricle as a whole"):
        auricle.default_hrtf(44100).plot()
