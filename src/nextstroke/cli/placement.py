"""Options that bring ink into the upright position."""

from typing import Annotated

import typer

Mirror = Annotated[bool, typer.Option("--mirror", help="exchange left and right of the ink")]
Flip = Annotated[bool, typer.Option("--flip", help="exchange top and bottom of the ink, where y grows upwards")]
Turn = Annotated[int, typer.Option(help="degrees to turn the ink clockwise: 90, 180 or 270")]
