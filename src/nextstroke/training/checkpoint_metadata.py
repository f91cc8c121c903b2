"""Check the metadata of a checkpoint, which may come from a stranger; its digest proves nothing."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nextstroke.config import Finite, Positive
from nextstroke.errors import CorruptFile

CountFromZero = Annotated[int, Field(ge=0)]
Pair = Annotated[list[Finite], Field(min_length=2, max_length=2)]
Deviations = Annotated[list[Positive], Field(min_length=2, max_length=2)]
Letters = Annotated[str, Field(min_length=1)]
Symbols = Annotated[list[str], Field(min_length=1)]


class _Progress(BaseModel):
    """Progress of a training; scores may be NaN or infinite before the first evaluation."""

    model_config = ConfigDict(strict=True, extra="forbid")

    update: CountFromZero = 0
    epoch: CountFromZero = 0
    batch: CountFromZero = 0
    points: CountFromZero = 0
    seconds: float = 0.0
    train: float = 0.0
    validation: float = 0.0
    validation_point: float = 0.0
    best: float = 0.0


class _Units(BaseModel):
    """Normalisation of the ink."""

    model_config = ConfigDict(strict=True, extra="forbid")

    mean: Pair
    std: Deviations


class _Metadata(BaseModel):
    """What every checkpoint has; it may have more."""

    model_config = ConfigDict(strict=True)

    recipe: dict[str, Any]
    progress: _Progress
    origin: dict[str, str | int] = {}


class _InkMetadata(_Metadata):
    alphabet: Letters
    normalisation: _Units
    points_per_character: Positive


class _TextMetadata(_Metadata):
    alphabet: Symbols
    unit: Literal["byte", "character", "word"]
    end: Annotated[int, Field(ge=-1)]


def check_metadata(metadata: Any, source: object) -> None:
    """Check the metadata of a checkpoint.

    Args:
        source: File or folder for the error message.

    Raises:
        CorruptFile: an entry is missing or of another kind than a training writes.
    """
    recipe = metadata.get("recipe") if isinstance(metadata, dict) else None
    is_text = isinstance(recipe, dict) and recipe.get("kind") == "text"
    try:
        found = (_TextMetadata if is_text else _InkMetadata).model_validate(metadata)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "its metadata"
        reason = f"{place}: {first['msg']}"
        raise CorruptFile(f"{source}: not a checkpoint of a training ({reason})") from error
    if len(set(found.alphabet)) != len(found.alphabet):
        reason = "alphabet: a symbol twice"
        raise CorruptFile(f"{source}: not a checkpoint of a training ({reason})")
    if isinstance(found, _TextMetadata) and found.end >= len(found.alphabet):
        reason = f"end: {found.end} is beyond the alphabet"
        raise CorruptFile(f"{source}: not a checkpoint of a training ({reason})")
