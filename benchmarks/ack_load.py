"""Senders: so many connections, each sending its next delivery when the last was answered; a program of its own.

It talks through bare sockets and sends bytes made beforehand, so that it takes little of the machine it shares with
what it measures. Reads one JSON order on stdin and writes one JSON report on stdout.
"""

from __future__ import annotations

import select
import socket
import sys
import time

import msgspec

_GOOD, _END = b"HTTP/1.1 200 ", b'{"stored":true}'
_ANSWER_LIMIT = 65_536
_SILENCE_S = 10.0


class Order(msgspec.Struct, kw_only=True):
    """What to send where, and for how long; the first `warm_s` seconds are sent but not measured."""

    host: str
    port: int
    path: str
    headers: dict[str, str]
    bodies: list[str]
    connections: int
    warm_s: float
    run_s: float


class Report(msgspec.Struct, kw_only=True):
    """What was heard; `acknowledged` counts every 200, `measured` those after warming up, times are milliseconds."""

    acknowledged: int
    refused: int
    measured: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        """Return the acknowledgements per second."""
        return self.measured / self.seconds


def requests(order: Order) -> list[bytes]:
    """Write each request as it goes over the wire."""
    head = f"POST {order.path} HTTP/1.1\r\nHost: {order.host}:{order.port}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in order.headers.items())
    bodies = [body.encode() for body in order.bodies]
    return [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]


class _Senders:
    def __init__(self, order: Order) -> None:
        self._texts = requests(order)
        self._next = 0
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._began: dict[int, float] = {}
        self.times: list[float] = []
        self.acknowledged = self.refused = 0
        for _ in range(order.connections):
            self._open(order.host, order.port)

    def _open(self, host: str, port: int) -> None:
        opened = socket.create_connection((host, port), timeout=_SILENCE_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets[opened.fileno()] = opened
        self._poll.register(opened.fileno(), select.EPOLLIN)

    def run(self, warm_s: float, run_s: float) -> float:
        """Send until the time is over and every answer is in; returns the seconds measured."""
        begin = time.perf_counter()
        measured_from, until = begin + warm_s, begin + warm_s + run_s
        for number in self._sockets:
            self._send(number)
        while self._began:
            found = self._poll.poll(_SILENCE_S)
            if not found:
                raise TimeoutError(f"{len(self._began)} requests got no answer")
            for number, _ in found:
                now = self._heard(number, measured_from, until)
                if now < until:
                    self._send(number)
        return run_s

    def _send(self, number: int) -> None:
        text = self._texts[self._next % len(self._texts)]
        self._next += 1
        self._began[number] = time.perf_counter()
        self._sockets[number].sendall(text)

    def _heard(self, number: int, measured_from: float, until: float) -> float:
        answer = self._sockets[number].recv(_ANSWER_LIMIT)
        while not answer.endswith((_END, b"}")):
            more = self._sockets[number].recv(_ANSWER_LIMIT)
            if not more:
                raise ConnectionError(f"the connection was closed within an answer: {answer[:80]!r}")
            answer += more
        now = time.perf_counter()
        began = self._began.pop(number)
        good = answer.startswith(_GOOD) and answer.endswith(_END)
        self.acknowledged += good
        self.refused += not good
        if good and measured_from <= now < until:
            self.times.append(now - began)
        return now


def main() -> None:
    """Carry out the order."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    senders = _Senders(order)
    seconds = senders.run(order.warm_s, order.run_s)
    times = sorted(senders.times) or [0.0]
    report = Report(
        acknowledged=senders.acknowledged,
        refused=senders.refused,
        measured=len(senders.times),
        seconds=seconds,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
    )
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main()
