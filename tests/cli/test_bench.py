import json

from nextstroke.cli.main import main
from nextstroke.training import bench


def test_writing_is_measured(capsys):
    assert main(["bench", "write", "--rounds", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert 0 < figures["a step of 1 lines, µs"] < figures["a step of 32 lines, µs"]


def test_learning_is_measured_and_ratios_follow_from_the_timings(capsys, monkeypatch):
    monkeypatch.setattr(bench, "BATCH", 2)
    monkeypatch.setattr(bench, "STEPS", 3)
    assert main(["bench", "train", "--rounds", "1"]) == 0
    assert "naive loop over ours, time" in capsys.readouterr().out
    cases = {name: bench.Case(print, 10, 2.0) for name in ("layer", "layer of torch.nn", "layer, naive loop")}
    cases |= {name: bench.Case(print, 10, 2.0) for name in ("prediction", "prediction without update", "synthesis")}
    cases |= {name: bench.Case(print, 10, 2.0) for name in ("synthesis batch 16", "synthesis batch 16, torch loops")}
    seconds = dict(zip(cases, [1.0, 2.0, 3.0, 1.0, 0.8, 1.2, 1.0, 1.4], strict=True))
    seen = {name: [bench.Timing(seconds[name], 4.0)] * 3 for name in cases}
    figures = bench.figures_of(cases, seen)
    assert figures["layer of torch.nn, GFLOP/s"] == 1.0
    assert figures["layer of torch.nn, share of the best product"] == 0.25
    assert figures["naive loop over ours, time"] == 3.0
    assert figures["torch loops over those used, time"] == 1.4
    assert abs(figures["update over all of a step, time"] - 0.2) < 1e-9
