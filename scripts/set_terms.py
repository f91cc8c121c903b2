"""Change the terms of use that a model file states: python scripts/set_terms.py MODEL --licence TEXT [--note TEXT].

Only the metadata and the seal change. The weights stay, so archives made with the model can still be read.
"""

import argparse
import json
from pathlib import Path

from nextstroke.files import write_bytes
from nextstroke.runtime.model_file import METADATA_KEY, SEAL, sealed, unsealed


def with_terms(data: bytes, licence: str, note: str | None = None) -> bytes:
    """Return a sealed model file with other terms.

    Args:
        data: The sealed file.
        licence: Terms of use of the weights.
        note: Remark on the model; the one in the file if None.
    """
    import onnx

    model = onnx.ModelProto.FromString(data[:-SEAL])
    (entry,) = (one for one in model.metadata_props if one.key == METADATA_KEY)
    metadata = json.loads(entry.value) | {"licence": licence} | ({} if note is None else {"note": note})
    entry.value = json.dumps(metadata, ensure_ascii=False)
    return sealed(model.SerializeToString(deterministic=True))


def main() -> None:
    """Change a file in place."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--licence", required=True)
    parser.add_argument("--note")
    options = parser.parse_args()
    write_bytes(options.model, with_terms(unsealed(options.model), options.licence, options.note))


if __name__ == "__main__":
    main()
