"""The server of the dashboard ends with its command, however the command is ended."""

import os
import signal
import socket
import subprocess
import time
from typing import Any

import pytest


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(0.5)
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_until(port: int, *, served: bool, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while answers(port) is not served:
        assert time.monotonic() < deadline, f"port {port} {'closed' if served else 'open'}"
        assert not served or process.poll() is None, process.communicate()
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_ends_with_the_command(desk: Any, number: int) -> None:
    desk.runs.mkdir()
    port = free_port()
    process = desk.start("dashboard", "--port", str(port), start_new_session=True)
    try:
        wait_until(port, served=True, process=process)
        os.kill(process.pid, number)
        process.communicate(timeout=20)
        assert process.returncode == 128 + number
        wait_until(port, served=False, process=process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
