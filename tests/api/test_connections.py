"""Requests that come slowly are taken whole, and answers reach whoever is still sending."""

import time
from socket import create_connection, socket

import httpx
import pytest


def connected(http: httpx.Client) -> socket:
    return create_connection((http.base_url.host, http.base_url.port or 0), timeout=10)


def heard(sent: socket) -> bytes:
    """All until the server keeps quiet for a while."""
    answer = b""
    sent.settimeout(1)
    try:
        while more := sent.recv(65_536):
            answer += more
    except TimeoutError:
        pass
    return answer


@pytest.mark.parametrize("chunked", [False, True])
def test_a_stranger_who_is_still_sending_hears_why_it_was_refused(
    http: httpx.Client, *, chunked: bool
) -> None:
    how = "Transfer-Encoding: chunked" if chunked else "Content-Length: 400000"
    with connected(http) as sent:
        sent.sendall(f"POST /v1/candidates HTTP/1.1\r\nHost: x\r\n{how}\r\n\r\n".encode())
        time.sleep(0.3)  # it has answered by now
        for _ in range(4):
            part = b"x" * 100_000
            sent.sendall(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
            time.sleep(0.05)
        assert heard(sent).startswith(b"HTTP/1.1 401 ")


def test_a_long_address_is_taken_in_pieces(http: httpx.Client) -> None:
    with connected(http) as sent:
        sent.sendall(b"GET /v1/candidates?cursor=" + b"x" * 20_000)
        time.sleep(0.1)
        sent.sendall(b"x" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert heard(sent).startswith(b"HTTP/1.1 401 ")
