"""Datagrams read with the interpreter's lock held, against what Python's own socket gives."""

import socket

import pytest

from auricle.osc.network import datagrams
from auricle.osc.network.sockets import udp_socket

PAYLOADS = [b"", b"\0", b"/a\0\0,\0\0\0", bytes(range(256)) * 200]


def pair(host):
    try:
        bound = udp_socket(host, 0)
    except OSError:
        pytest.skip(f"no {host} here")
    sender = socket.socket(bound.family, socket.SOCK_DGRAM)
    sender.bind((host, 0))
    return bound, sender


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("held", [True, False])
def test_datagrams_and_senders_are_those_of_the_socket(host, held, monkeypatch):
    if not held:
        monkeypatch.setattr(datagrams, "_RECEIVE", None)
    bound, sender = pair(host)
    with bound, sender:
        for payload in PAYLOADS:
            sender.sendto(payload, bound.getsockname())
            sender.sendto(payload, bound.getsockname())
        waiting = datagrams.Datagrams(bound)
        for payload in PAYLOADS:
            found, where = waiting.take()
            expected, its_sender = bound.recvfrom(65536)
            assert found == payload == expected
            assert where == its_sender == sender.getsockname()
        with pytest.raises(BlockingIOError):
            waiting.take()


def test_a_closed_socket_is_an_error_and_no_datagram():
    bound, sender = pair("127.0.0.1")
    waiting = datagrams.Datagrams(bound)
    sender.close()
    bound.close()
    with pytest.raises(OSError, match="datagram") as raised:
        waiting.take()
    assert not isinstance(raised.value, BlockingIOError)
