"""Serves a judge until the process is told to end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from evalhub.errors import Interrupted
from evalhub.runner import Progress, Silent
from evalhub.runner.execute.interrupts import Stop
from evalhub.serving.evidence import ServedJudge
from evalhub.serving.server import JudgeServer
from evalhub.serving.service import Service
from evalhub.serving.worker import Worker
from evalhub.texts import count

_WRITE_SECONDS = 5.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Address:
    """Where a judge is served.

    Attributes:
        port: 0 = any that is free.
    """

    host: str = "127.0.0.1"
    port: int = 0


def serve(
    judge: ServedJudge,
    address: Address,
    on_ready: Callable[[str], None],
    progress: Progress | None = None,
) -> None:
    """Serve a judge. It returns by an error alone: a signal to end is one too.

    The calling thread owns the engine, since an engine's process ends with the thread that opens it.

    Args:
        judge: The judge, prepared.
        address: Where it is served.
        on_ready: Called with the address for clients, once the engine is ready.
        progress: Shows what is started.

    Raises:
        InputError: The address cannot be had.
        ModelError: The model cannot be loaded.
        EngineError: The engine cannot start, or died too often.
        Interrupted: The process was told to end. What had begun was finished.
    """
    progress = progress or Silent()
    identity = judge.judge.runs.identity
    # Bound first: a port that is taken is known before a large model is loaded.
    with JudgeServer(address.host, address.port) as server:
        progress.note(f"starting {identity.engine} with {identity.model} for {judge.id}")
        with judge.measured.open_engine() as engine, Stop() as stop:
            worker = Worker(stop)
            server.service = Service(judge, worker)
            listener = threading.Thread(
                target=server.serve_forever, args=(_POLL_SECONDS,), name="listener", daemon=True
            )
            listener.start()
            on_ready(server.url)
            try:
                worker.work(engine)
            finally:
                server.ending.set()
                server.shutdown()
                server.wait_until_quiet(_WRITE_SECONDS)
            counts = server.service.counts
    raise Interrupted(
        f"stopped: {count(counts.answered)} requests were answered and {count(counts.refused)} refused",
        where=judge.id,
    )
