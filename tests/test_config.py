from pathlib import Path

import pytest

from nextstroke.config import Recipe, load_recipe, make_recipe
from nextstroke.errors import BadRecipe

RECIPES = Path(__file__).parents[1] / "recipes"


@pytest.mark.parametrize("path", [*RECIPES.glob("paper/*.toml"), *RECIPES.glob("best/writer*.toml")], ids=lambda p: p.stem)
def test_every_recipe_of_ours_is_sound(path):
    recipe = load_recipe(path)
    assert make_recipe(recipe.dump(), "dump") == recipe


def test_all_mistakes_are_named_at_once_with_their_paths(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('kind = "poet"\n[training]\nbatch = 0\nlerning_rate = 1.0\n[extra]\nx = 1\n')
    with pytest.raises(BadRecipe) as caught:
        load_recipe(path)
    told = str(caught.value)
    assert "\n" not in told
    for part in ["bad.toml", "kind: ", "'poet'", "training.batch: ", "extra: unknown key"]:
        assert part in told
    assert "training.lerning_rate: unknown key, did you mean 'learning_rate'?" in told


def test_settings_change_values_and_build_tables(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('kind = "pen"\n')
    recipe = load_recipe(path, ["training.updates=7", "data.ink=simplified", "data.clip = 5.5", "note=a=b"])
    assert (recipe.training.updates, recipe.data.ink, recipe.data.clip, recipe.note) == (7, "simplified", 5.5, "a=b")


@pytest.mark.parametrize(
    ("setting", "says"),
    [("updates", "give key=value"), (".a=1", "give key=value"), ("kind.x=1", "'kind' is a value"), ("training.batch=x", "batch")],
)
def test_a_senseless_setting_is_refused(tmp_path, setting, says):
    path = tmp_path / "r.toml"
    path.write_text('kind = "pen"\n')
    with pytest.raises(BadRecipe, match=says):
        load_recipe(path, [setting])


@pytest.mark.parametrize("content", [b"kind = ", b"\xff\xfe", None])
def test_what_is_not_toml_is_refused_by_name(tmp_path, content):
    path = tmp_path / "r.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadRecipe, match=r"r\.toml"):
        load_recipe(path)


def test_recipes_do_not_change_once_made():
    with pytest.raises(ValueError, match="frozen"):
        Recipe(kind="pen").seed = 2
