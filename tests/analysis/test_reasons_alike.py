"""Which reasons of failures are one: codes tell them apart, what varies from request to request does not."""

import pytest

from evalhub.analysis import normalise_reason


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Error code: 402 - {'error': 'x'}", "Error code: 503 - {'error': 'x'}"),
        ("status_code=404", "status_code=429"),
        ("statusCode: 404", "statusCode: 429"),
        ('{"status": 404}', '{"status": 429}'),
        ("{'code': 4001}", "{'code': 4002}"),
        ("HTTP/1.1 502 Bad Gateway", "HTTP/1.1 504 Gateway Timeout"),
        ("HTTP error 418", "HTTP error 422"),
        (
            "Client error '403 Forbidden' for url 'http://a'",
            "Client error '404 Not Found' for url 'http://a'",
        ),
        ("returned 504 Gateway Timeout", "returned 502 Bad Gateway"),
        ("[Errno 104] reset", "[Errno 110] reset"),
        ("exit code -6", "exit code -9"),
        ("signal 6", "signal 9"),
        ("error 404: gone", "error 410: gone"),
        ("code: E17", "code: E18"),
        ("CUDA out of memory on GPU 0", "GPU 0 refused the request"),
    ],
)
def test_codes_tell_reasons_apart(first: str, second: str) -> None:
    assert normalise_reason(first) != normalise_reason(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("out of memory: tried to allocate 3.00 GiB", "out of memory: tried to allocate 768 MiB"),
        ("used 12,345,678 bytes", "used 96 bytes"),
        ("request req_QwErTyUi failed", "request req_AsDfGhJk failed"),
        ("request_id=abcdefg", "request_id=tuvwxyz"),
        ("{'request_id': 'abcdefg'}", "{'request_id': 'tuvwxyz'}"),
        ("X-Request-ID: abcdefg", "X-Request-ID: tuvwxyz"),
        ("see https://a.example.org/x", "see http://localhost:9000/v1/models?page=2"),
        ("at 2025-04-01T10:00:01Z", "at 2026-11-21T23:59:59Z"),
        ("on Mon, 03 Mar 2025 09:00:00 GMT", "on Sun, 21 Jun 2026 19:30:00 GMT"),
        ("try again in 1 second", "try again in 45 seconds"),
        ("try again in 250ms", "try again in 2.5s"),
        ("memory 91% full", "memory 7.5% full"),
        ("Connect call failed ('10.1.2.3', 8000)", "Connect call failed ('10.9.8.7', 9000)"),
        ("code 1234567", "code 7654321"),
    ],
)
def test_what_varies_from_request_to_request_does_not(first: str, second: str) -> None:
    assert normalise_reason(first) == normalise_reason(second)
