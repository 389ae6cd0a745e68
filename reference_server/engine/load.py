"""Models from folders and files; torch is imported here first, after its threads are tamed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from reference_server.engine import Embedder

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads slow their neighbours
os.environ.setdefault("HF_HUB_OFFLINE", "1")

HINT = "pip install 'openai-conformance[transformers]'"


def load(path: str | None, device: str) -> Any:
    """The engine of a model in a folder, of a GGUF file, or of the random model `tiny`; raises
    `SystemExit` with what is missing.
    """
    if path is None:
        raise SystemExit("reference-server: --engine transformers needs --model PATH, or tiny")
    torch, transformers = _libraries()
    from reference_server.engine.pretrained import Pretrained  # noqa: PLC0415
    from reference_server.engine.tiny import tiny  # noqa: PLC0415
    from reference_server.engine.transformers import Transformers  # noqa: PLC0415

    if path == "tiny":
        return tiny(_device(torch, device))
    folder, options = _located(path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **options)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, **options
    )
    size = model.get_output_embeddings().weight.shape[0]
    words = Pretrained(tokenizer, model.generation_config.eos_token_id, size)
    return Transformers(Path(path).stem, model, words, _device(torch, device))


def load_embedder(path: str, device: str) -> Embedder:
    """The embedder of a model in a folder; raises `SystemExit` with what is missing."""
    torch, transformers = _libraries()
    from reference_server.engine.encoder import Encoder  # noqa: PLC0415

    folder, _ = _located(path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
    return Encoder(folder.name, model, tokenizer, _device(torch, device))


def _located(path: str) -> tuple[Path, dict[str, Any]]:
    where = Path(path)
    if not where.exists():
        raise SystemExit(f"reference-server: there is no model at {path}")
    return (where.parent, {"gguf_file": where.name}) if where.is_file() else (where, {})


def _libraries() -> tuple[Any, Any]:
    try:
        import torch  # noqa: PLC0415  an extra, and slow to import
        import transformers  # noqa: PLC0415
    except ImportError as error:
        raise SystemExit(f"reference-server: {error}; {HINT}") from None
    return torch, transformers


def _device(torch: Any, wanted: str) -> str:
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise SystemExit("reference-server: --device cuda, and torch finds no CUDA device")
    return wanted
