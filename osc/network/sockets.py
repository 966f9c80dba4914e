"""Sockets that hear what is sent to a port: large buffers, clear errors, counted losses."""

import errno
import socket
from pathlib import Path

from auricle.dsp.errors import AuricleError

RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
_FORCE_RECEIVE_BUFFER = 33  # SO_RCVBUFFORCE of Linux: beyond the system's limit, if allowed


def udp_socket(host: str, port: int) -> socket.socket:
    """A socket bound to a UDP port that never blocks; raises AuricleError when that is not
    to be.
    """
    bound = _bound(host, port, socket.SOCK_DGRAM, "UDP")
    try:
        bound.setsockopt(socket.SOL_SOCKET, _FORCE_RECEIVE_BUFFER, RECEIVE_BUFFER_BYTES)
    except OSError:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    return bound


def tcp_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on a TCP port and never blocks; raises AuricleError likewise."""
    bound = _bound(host, port, socket.SOCK_STREAM, "TCP")
    bound.listen()
    return bound


def _bound(host: str, port: int, kind: socket.SocketKind, name: str) -> socket.socket:
    if not 0 <= port <= 65535:
        raise AuricleError(f"a port is 0 to 65535, got {port}")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=kind, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise AuricleError(f"{host!r} is no address of this machine: {error}") from error
    bound = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            text = f"{name} port {port} of {host} is in use by another program; choose another"
        else:
            text = f"cannot listen on {name} port {port} of {host}: {error.strerror}"
        raise AuricleError(text) from error
    return bound


def losses(sockets: list[socket.socket]) -> int:
    """Datagrams that the operating system threw away because a buffer was full; 0 if it is
    silent.
    """
    inodes = set()
    for each in sockets:
        try:
            inodes.add(str(Path(f"/proc/self/fd/{each.fileno()}").readlink())[8:-1])
        except OSError:
            continue
    lost = 0
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        rows = (line.split() for line in lines)
        lost += sum(int(row[-1]) for row in rows if row[9] in inodes)
    return lost
