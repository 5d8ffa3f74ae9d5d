"""Models by name: they are found, fetched, checked and made ready for an engine. None is run here.

Read `hub` and `resolution` first. `gguf` is optional.
"""

from evalhub.models.adapters import Adapter
from evalhub.models.cache import cache_folder
from evalhub.models.catalogue import check, fetch, list_models, show
from evalhub.models.chat import folder_tokenizer
from evalhub.models.compat import hide_broken_media
from evalhub.models.families import NOT_AN_LLM, UNKNOWN
from evalhub.models.folder import ADAPTER, CLASSIFIES, MERGED, TRAINING, is_classifier, model_settings
from evalhub.models.resolution import JudgeTraining, ModelSource, ResolvedModel, resolve
from evalhub.models.room import bytes_needed, check_room
from evalhub.models.tokens import count_tokens, model_here

__all__ = [
    "ADAPTER", "CLASSIFIES", "MERGED", "NOT_AN_LLM", "TRAINING", "UNKNOWN", "Adapter", "JudgeTraining",
    "ModelSource", "ResolvedModel", "bytes_needed", "cache_folder", "check", "check_room", "count_tokens",
    "fetch", "folder_tokenizer", "hide_broken_media", "is_classifier", "list_models", "model_here",
    "model_settings", "resolve", "show",
]  # fmt: skip
