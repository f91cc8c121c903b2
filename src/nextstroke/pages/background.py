"""Backgrounds of pages: a colour, nothing, or a picture that fills the page."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageColor, UnidentifiedImageError

from nextstroke.errors import BadInput, LimitExceeded, UsageError
from nextstroke.files import read_at_most

TRANSPARENT = "none"
MIME = {"PNG": "image/png", "JPEG": "image/jpeg"}
MAX_BYTES = 64 << 20  # of the file of a picture
MAX_PIXELS = 50_000_000  # in a picture


@dataclass(frozen=True, repr=False)
class Picture:
    """A picture that fills a page and is cropped to its aspect.

    Attributes:
        data: Content of its file, PNG or JPEG.
        kind: "PNG" or "JPEG".
        size: Width and height in pixels.
    """

    data: bytes
    kind: str
    size: tuple[int, int]

    def __repr__(self) -> str:
        return f"Picture({self.kind}, {self.size[0]} x {self.size[1]})"

    @classmethod
    def of(cls, data: bytes, name: str) -> "Picture":
        """Return the picture in a file after checking it.

        Args:
            data: Content of the file.
            name: Name of the file for messages.

        Raises:
            BadInput: It is neither PNG nor JPEG, or damaged.
            LimitExceeded: It is too large.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                with Image.open(io.BytesIO(data), formats=list(MIME)) as image:
                    found = cls(data, str(image.format), image.size)
                    if image.width * image.height > MAX_PIXELS:
                        size = f"{image.width} x {image.height}"
                        problem = f"{size} pixels are too many; at most {MAX_PIXELS} are read"
                        raise LimitExceeded(f"{name}: {problem}")
                    image.load()
        except UnidentifiedImageError:
            raise BadInput(f"{name}: is no PNG or JPEG; convert it first") from None
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise BadInput(f"{name}: cannot be read as a picture ({str(error)[:80]})") from None
        return found

    def covering(self, size: tuple[int, int]) -> Image.Image:
        """Return the middle of the picture, cropped and scaled to a page of `size` pixels."""
        with Image.open(io.BytesIO(self.data), formats=list(MIME)) as image:
            left, top, width, height = self.box(size[0] / size[1])
            box = (left, top, left + width, top + height)
            return image.convert("RGB").resize(size, Image.Resampling.BICUBIC, box)

    def box(self, aspect: float) -> tuple[float, float, float, float]:
        """Return left edge, top edge, width and height of the largest middle part, in pixels.

        Args:
            aspect: Width of the part divided by its height.
        """
        width, height = self.size
        inner_width = min(width, height * aspect)
        inner_height = min(height, width / aspect)
        left = (width - inner_width) / 2
        top = (height - inner_height) / 2
        return left, top, inner_width, inner_height


def background(value: str | Path) -> str | Picture:
    """Return a colour, "none", or the picture in a file.

    Raises:
        UsageError: It is neither a colour nor the name of a file.
        BadInput, LimitExceeded: The file is no picture, or too large.
    """
    if isinstance(value, str) and (value in ("", TRANSPARENT) or is_colour(value)):
        return value
    path = Path(value)
    try:
        return Picture.of(read_at_most(path, MAX_BYTES), str(path))
    except (OSError, ValueError):
        wanted = "give a colour such as ivory or #fffff0, none, or a file that can be read"
        raise UsageError(f"background {str(value)!r:.60}: {wanted}") from None


def is_colour(name: str) -> bool:
    """Return whether a name is a colour."""
    try:
        ImageColor.getrgb(name)
    except ValueError:
        return False
    return True
