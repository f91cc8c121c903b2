"""The fixtures of tests/handwriting."""

from tests.handwriting.conftest import line as line
from tests.handwriting.conftest import model as model
from tests.handwriting.conftest import model_path as model_path
from tests.handwriting.conftest import network as network
