import inspect

import pytest

from nextstroke import errors

RAISED = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("kind", RAISED)
def test_the_tree_in_the_docstring_names_every_error_with_its_exit_code(kind):
    row = next(line for line in errors.__doc__.splitlines() if kind.__name__ in line.split())
    if kind is errors.Stopped:
        assert errors.Stopped("x", 15).exit_code == 143
        assert "130/143" in row
    elif any(word.isdigit() for word in row.split()):
        assert str(kind.exit_code) in row.split()
    else:
        assert kind.__base__ is not errors.NextstrokeError


def test_everything_raised_on_purpose_has_one_root():
    assert all(issubclass(kind, errors.NextstrokeError) for kind in RAISED)
