"""How a command ends: by which sentence and exit code, whatever was raised."""

from __future__ import annotations

from evalhub.errors import EvalhubError, Interrupted, StorageError


class Signals:
    """Whether a signal came. Native code turns a KeyboardInterrupt into errors of its own."""

    interrupted = False


def ending_of(error: BaseException) -> tuple[EvalhubError, int]:
    """Return the error to print and the exit code of a command that raised something."""
    if isinstance(error, Interrupted):
        return error, error.exit_code
    if Signals.interrupted or isinstance(error, KeyboardInterrupt):
        fix = "give the same command again to go on"
        return Interrupted("stopped; what was finished is kept", fix=fix), Interrupted.exit_code
    if isinstance(error, EvalhubError):
        return error, error.exit_code
    if isinstance(error, OSError):
        where = str(error.filename or "")
        storage_error = StorageError(f"a file cannot be used ({error.strerror or error})", where=where)
        return storage_error, storage_error.exit_code
    fix = "give the command again with --debug before the verb, and report what it prints"
    return EvalhubError(f"internal error ({type(error).__name__}: {error})", fix=fix), 3
