import json
from pathlib import Path

import pytest

from nextstroke.config import Recipe, find_recipe, load_recipe, make_recipe, recipe_folder
from nextstroke.errors import BadRecipe
from nextstroke.runtime.model_file import load_model

RECIPES = Path(__file__).parents[1] / "recipes"
OURS = [path for path in RECIPES.rglob("*.toml") if not path.stem.startswith("styles")]


@pytest.fixture
def pen(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('kind = "pen"\n')
    return path


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_every_recipe_of_ours_is_sound_and_survives_its_record(path):
    recipe = load_recipe(path)
    again = make_recipe(json.loads(json.dumps(recipe.dump())), "record")
    assert again == recipe
    assert again.digest() == recipe.digest()


def test_all_mistakes_are_named_at_once_with_their_paths(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('kind = "poet"\n[training]\nbatch = 0\nlerning_rate = 1.0\n[extra]\nx = 1\n')
    with pytest.raises(BadRecipe) as caught:
        load_recipe(path)
    told = str(caught.value)
    assert "\n" not in told
    for part in ["bad.toml", "kind: ", "'poet'", "training.batch: ", "extra: unknown key"]:
        assert part in told
    assert "training.lerning_rate: unknown key (got 1.0), did you mean 'learning_rate'?" in told


def test_faults_of_settings_and_of_the_file_are_told_together(pen):
    pen.write_text('kind = "pen"\ncells = 3\n')
    with pytest.raises(BadRecipe) as caught:
        load_recipe(pen, ["training.batch=0", "updates", "data.ink=inky"])
    told = str(caught.value)
    for part in [
        "--set updates: ",
        "training.batch: ",
        "data.ink: ",
        "cells: unknown key (got 3), it belongs in [network]",
    ]:
        assert part in told


@pytest.mark.parametrize("other", ["training.loss=mean", "training.chunk=100"])
def test_adaptive_noise_needs_whole_lines(pen, other):
    noisy = ["training.noise=adaptive", "training.loss=sum"]
    assert load_recipe(pen, noisy).training.noise_sigma == 0.075
    with pytest.raises(BadRecipe, match=r"training: .*adaptive noise needs whole lines"):
        load_recipe(pen, [*noisy[: 1 + ("chunk" in other)], other])


@pytest.mark.parametrize("value", ['"400"', "1.5", "true", "0", "-3", "[400]", "1979-05-27", "inf"])
def test_a_value_is_never_turned_into_another_type(pen, value):
    with pytest.raises(BadRecipe, match=r"network\.cells: .* \(got "):
        load_recipe(pen, [f"network.cells={value}"])


@pytest.mark.parametrize(
    "setting", ["training.learning_rate=inf", "training.learning_rate=nan", "network.forget_bias=nan", "data.train=[]"]
)
def test_values_that_would_only_break_later_are_refused(pen, setting):
    with pytest.raises(BadRecipe, match=setting.partition("=")[0]):
        load_recipe(pen, [setting])


def test_the_word_none_takes_a_bound_away(pen):
    pen.write_text('kind = "pen"\n[network]\noutput_clip = "none"\n[training]\nchunk = 80\n')
    recipe = load_recipe(pen, ["training.chunk=none"])
    assert (recipe.network.output_clip, recipe.training.chunk) == (None, None)


def test_the_digest_tells_recipes_apart_but_not_their_spellings(pen):
    same = load_recipe(pen, ["network.cells=400", "training.learning_rate=1e-4"])
    assert same.digest() == load_recipe(pen).digest()
    assert same.digest() != load_recipe(pen, ["seed=2"]).digest()


def test_settings_change_values_and_build_tables(pen):
    recipe = load_recipe(pen, ["training.updates=7", "data.ink=simplified", "data.clip = 5.5", "note=a=b"])
    assert (recipe.training.updates, recipe.data.ink, recipe.data.clip, recipe.note) == (7, "simplified", 5.5, "a=b")


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("updates", "give key=value"),
        (".a=1", "give key=value"),
        ("kind.x=1", "'kind' is a value"),
        ("training.batch=x", "batch"),
        ("data=raw", "should be a table"),
        ("seed=2\nnote = 'smuggled'", "seed: .*smuggled"),
    ],
)
def test_an_invalid_setting_is_refused(pen, setting, says):
    with pytest.raises(BadRecipe, match=says):
        load_recipe(pen, [setting])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["seed=1", "seed=1"], "--set seed=1: is set twice"),
        (["data.ink=raw", "data={}"], "'data.ink' is set too"),
        (["data={}", "data.ink=raw"], "'data' is set too"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(pen, settings, says):
    with pytest.raises(BadRecipe, match=says):
        load_recipe(pen, settings)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"kind = ", "end of document"),
        (b"kind = 'pen'\n[data\n", "line 2"),
        (b"\xff\xfe", "utf-8"),
        (b"seed = " + b"9" * 5000, "digits"),
        (b"note = " + b"[" * 50_000, "not TOML"),
    ],
    ids=["cut off", "open bracket", "binary", "huge integer", "deep nesting"],
)
def test_what_is_not_toml_is_refused_by_name_and_line(pen, content, says):
    pen.write_bytes(content)
    with pytest.raises(BadRecipe, match=rf"r\.toml: .*{says}"):
        load_recipe(pen)


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        BadRecipe, match=r"no\.toml: cannot be read \(no such file\); .* best/writer, .* paper/synthesis"
    ):
        load_recipe(tmp_path / "no.toml")


@pytest.mark.parametrize("name", ["writer", "writer.toml", "best/writer", "recipes/best/writer.toml"])
def test_a_shipped_recipe_is_found_by_its_name_in_any_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_recipe(Path(name)).note == load_recipe(recipe_folder() / "best" / "writer.toml").note != ""


def test_a_name_is_looked_up_in_best_before_paper(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_recipe(Path("penn-words")) == recipe_folder() / "best" / "penn-words.toml"
    assert find_recipe(Path("paper/penn-words")) == recipe_folder() / "paper" / "penn-words.toml"
    assert find_recipe(Path("synthesis")) == recipe_folder() / "paper" / "synthesis.toml"


def test_a_file_comes_before_a_shipped_recipe_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("writer").write_text('kind = "text"\n', "utf-8")
    assert load_recipe(Path("writer")).kind == "text"


def test_recipes_do_not_change_once_made():
    with pytest.raises(ValueError, match="frozen"):
        Recipe(kind="pen").seed = 2


def test_the_recipe_that_goes_on_from_the_text_model_has_its_network():
    recipe = load_recipe(RECIPES / "best" / "text-more.toml")
    trained = load_model("text", "text").metadata["recipe"]["network"]
    assert (recipe.network.layers, recipe.network.cells) == (trained["layers"], trained["cells"])
    assert recipe.start_from == "text"
