"""Clients that are not ours drive a render; what is heard comes from where they said."""

import re

import foreign_clients as foreign
import pytest
import synthetic_set

from auricle.plugin_core.offline import render

needs_adm_osc = pytest.mark.skipif(
    not foreign.has_adm_osc(), reason="adm-osc is not installed: pip install adm-osc"
)
needs_oscsend = pytest.mark.skipif(
    not foreign.has_oscsend(), reason="oscsend is not installed: apt install liblo-tools"
)


@pytest.fixture(scope="module")
def heads():
    return synthetic_set.make_set(sample_rate=foreign.RATE)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))


def assert_heard(tmp_path, heads):
    track = foreign.noise(tmp_path / "noise.wav")
    out = tmp_path / "out.wav"
    render(track, out, hrtf=heads, rank=8, osc_recording=tmp_path / "session.osc")
    left, right = foreign.left_and_right_db(tmp_path / "session.osc", out)
    assert left > 3.0
    assert right < -3.0


@needs_adm_osc
def test_adm_osc_moves_a_source(tmp_path, heads):
    with foreign.recorded(tmp_path / "session.osc") as server:
        foreign.adm_osc(server.port, "directions")
    assert_heard(tmp_path, heads)


@needs_adm_osc
@pytest.mark.parametrize("what", ["test", "stress"])
def test_all_that_adm_osc_sends_is_understood(tmp_path, what):
    addresses = []

    def observe(message, now):
        addresses.append(message.address)

    with foreign.recorded(tmp_path / "session.osc", observe=observe) as server:
        foreign.adm_osc(server.port, what)
    counted = server.session.statistics.as_dict()
    assert counted["good"] > 100
    assert not any(counted[name] for name in ("bad", "no_source", "nonfinite", "errors"))
    # Its test client numbers the listener too, which the standard does not know.
    numbered = re.compile(r"/adm/(lis|env)/[0-9*]+/")
    assert counted["unknown"] == sum(numbered.match(each) is not None for each in addresses)


@needs_oscsend
def test_oscsend_moves_a_source(tmp_path, heads):
    with foreign.recorded(tmp_path / "session.osc") as server:
        foreign.oscsend(server.port)
    assert_heard(tmp_path, heads)


@needs_oscsend
def test_oscsend_over_tcp_is_understood(tmp_path, heads):
    with foreign.recorded(tmp_path / "session.osc", tcp_port=0) as server:
        foreign.oscsend(server.tcp_port, "tcp")
    assert server.session.statistics.good == 2
    assert_heard(tmp_path, heads)
