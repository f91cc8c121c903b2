"""Every error that nextstroke raises on purpose, with the exit code the command line gives it.

    NextstrokeError            1   a bug, if it is raised as such
    ├── UsageError             2   the request makes no sense
    │   ├── BadRecipe              a recipe or --set with wrong keys or values
    │   ├── UnknownCharacters      text the model's alphabet does not hold
    │   └── EmptyText              nothing to write
    ├── BadInput               3   a file or folder is not what it should be
    │   ├── BadInk                 ink that is empty, not finite or malformed
    │   └── CorruptFile            a file of nextstroke that is truncated or altered
    ├── WrongModel             4   a model of another kind, or of a newer version
    ├── LimitExceeded          5   too large, no room, or no candidate passed
    ├── Diverged               1   a loss or gradient that is not a number
    ├── LostWorker             1   a worker of the team is gone
    └── Stopped          130/143   asked to stop by SIGINT or SIGTERM; state saved

A message says what was wrong, the value met, and what to do; the command line prints it as one line.
"""


class NextstrokeError(Exception):
    """Root of the tree; catches everything that nextstroke raises on purpose."""

    exit_code = 1


class UsageError(NextstrokeError):
    """The request makes no sense as it stands."""

    exit_code = 2


class BadRecipe(UsageError):
    """A recipe, or a --set, holds unknown keys or impossible values."""


class UnknownCharacters(UsageError):
    """The text holds characters that the alphabet does not."""


class EmptyText(UsageError):
    """There is nothing to write."""


class BadInput(NextstrokeError):
    """A file or folder is not what it should be."""

    exit_code = 3


class BadInk(BadInput):
    """Ink that is empty, malformed or not finite."""


class CorruptFile(BadInput):
    """A file written by nextstroke was cut short or altered since."""


class WrongModel(NextstrokeError):
    """A model or checkpoint of another kind, shape or newer version."""

    exit_code = 4


class LimitExceeded(NextstrokeError):
    """A limit was reached: size, steps, disk space."""

    exit_code = 5


class Diverged(NextstrokeError):
    """Training met a loss or gradient that is not a number."""


class LostWorker(NextstrokeError):
    """A worker of a training is gone; the last checkpoint stands."""


class Stopped(NextstrokeError):
    """Work was asked to stop and has saved its state.

    Args:
        signal: Number of the signal; the exit code is 128 more.
    """

    def __init__(self, message: str, signal: int):
        super().__init__(message)
        self.signal, self.exit_code = signal, 128 + signal

    def __reduce__(self):
        """Both arguments, so that it can pass from one process to another."""
        return Stopped, (str(self), self.signal)
