"""A judge that a run has measured, behind HTTP: its engine is opened again, and other programs ask it."""

from evalhub.serving.evidence import ServedJudge, prepare
from evalhub.serving.serve import Address, serve
from evalhub.serving.server import is_loopback

__all__ = ["Address", "ServedJudge", "is_loopback", "prepare", "serve"]
