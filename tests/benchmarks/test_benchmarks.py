import json

import pytest

from benchmarks import compress as codec_bench
from benchmarks import scaling, train, train_gpu
from benchmarks.cli import main as bench_main
from nextstroke.nets.matmul import has_bfloat16
from nextstroke.training import profile


def test_writing_is_measured(capsys):
    assert bench_main(["write", "--rounds", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert 0 < figures["a step of 1 lines, µs"] < figures["a step of 32 lines, µs"]


def small_sizes(monkeypatch):
    """Let `bench train` measure in seconds: small networks, and small products to compare them with."""
    monkeypatch.setattr(train, "BATCH", 2)
    monkeypatch.setattr(train, "STEPS", 3)
    monkeypatch.setattr(train, "CELLS", 16)
    monkeypatch.setattr(train, "TEXT", {"symbols": 5, "layers": 2, "cells": 8})
    product_rates = train.product_rates
    monkeypatch.setattr(train, "product_rates", lambda: product_rates(size=32))


def test_learning_is_measured_and_ratios_follow_from_the_timings(capsys, monkeypatch):
    small_sizes(monkeypatch)
    monkeypatch.setattr(profile, "POINTS", 6)
    monkeypatch.setitem(profile.TRAINING, "batch", 2)
    assert bench_main(["train", "--rounds", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["products of bfloat16 (1) or only of float32 (0)"] == has_bfloat16()
    assert ("text, bfloat16, points/s" in figures) == has_bfloat16()
    assert figures["naive loop over ours, time"] > 0
    assert figures["text, points/s"] > 0
    shares = [figures[f"{part} over all of a step, time"] for part in ("data", "network", "mixture", "update")]
    assert all(0 < share < 1 for share in shares)
    assert sum(shares) == pytest.approx(1)
    cases = {name: train.Case(print, 10, 2.0) for name in ("layer", "layer of torch.nn", "layer, naive loop")}
    cases |= {name: train.Case(print, 10, 2.0) for name in ("prediction", "synthesis")}
    cases |= {f"synthesis batch 16{how}": train.Case(print, 10, 2.0) for how in ("", ", torch loops", ", bfloat16")}
    cases |= {name: train.Case(print, 10, 2.0) for name in ("text", "text, bfloat16")}
    seconds = dict(zip(cases, [1.0, 2.0, 3.0, 1.0, 1.2, 1.0, 1.4, 0.8, 3.0, 2.0], strict=True))
    seen = {name: [train.Timing(seconds[name], 4.0)] * 3 for name in cases}
    figures = train.figures_of(cases, seen)
    assert figures["layer of torch.nn, GFLOP/s"] == 1.0
    assert figures["layer of torch.nn, share of the best product"] == 0.25
    assert figures["naive loop over ours, time"] == 3.0
    assert figures["torch loops over those used, time"] == 1.4
    assert figures["float32 over bfloat16, text, time"] == 1.5


def test_without_bfloat16_nothing_is_measured_under_its_name(capsys, monkeypatch):
    monkeypatch.setattr(train, "has_bfloat16", lambda: False)
    monkeypatch.setattr(train, "measure", lambda cases, rounds: {name: [train.Timing(1.0, 1.0)] for name in cases})
    monkeypatch.setattr(train, "step_shares", lambda rounds: {})
    small_sizes(monkeypatch)
    assert bench_main(["train", "--rounds", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    of_bfloat16 = {name: value for name, value in figures.items() if "bfloat16" in name}
    assert of_bfloat16 == {"products of bfloat16 (1) or only of float32 (0)": 0}
    assert figures["text, points/s"] > 0


def test_memory_grows_by_what_the_peaks_tell(capsys, monkeypatch):
    monkeypatch.setattr(scaling, "_peak_of", lambda batch, steps: 400 + 0.06 * batch * steps)
    monkeypatch.setattr(scaling, "_told", lambda call: 2000.0)
    assert bench_main(["memory", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["batch 16, chunk 100, peak MB"] == pytest.approx(496)
    assert figures["text, batch 64, chunk 100, peak MB"] == 2000
    growth = [value for name, value in figures.items() if name.endswith("KB a point")]
    assert growth == pytest.approx([60] * 4)


def test_a_process_tells_the_peak_of_the_text_network(capsys, monkeypatch):
    monkeypatch.setattr(train, "TEXT", {"symbols": 5, "layers": 2, "cells": 8})
    scaling.tell_text_peak()
    assert float(capsys.readouterr().out) > 100


@pytest.mark.slow
def test_a_longer_chunk_takes_more_memory():
    short, long = (scaling._peak_of(4, steps) for steps in (10, 400))
    assert long > short + 4 * 390 * 0.02


def test_a_team_is_measured_against_one_worker(monkeypatch):
    monkeypatch.setattr(scaling, "BATCH", 2)
    monkeypatch.setattr(scaling, "STEPS", 3)
    monkeypatch.setattr(scaling, "_race", lambda team, lines, rounds, steps, seen: seen.put([(3.0, 2.0, 0.5)] * rounds))
    figures = scaling.bench_workers(1)
    assert figures["1 workers, 64 lines in all, speed against one"] == 1.5
    assert figures["1 workers, 128 lines in all, summing and waiting over a step, time"] == 0.25


@pytest.mark.slow
def test_two_workers_are_measured(capsys):
    assert bench_main(["train", "--workers", "2", "--rounds", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["2 workers, 128 lines in all, speed against one"] > 0
    assert 0 < figures["2 workers, 64 lines in all, summing and waiting over a step, time"] < 1


def test_the_bench_of_gpus_runs_on_a_cpu_with_small_sizes():
    sizes = train_gpu.Sizes(3, 6, 5, 2, 4, 2, 3, 4)
    figures = train_gpu.bench_device("cpu", 1, sizes)
    assert all(value > 0 for value in figures.values())
    seconds = {name: [2.0 if "torch.nn" in name else 1.0] * 3 for name in train_gpu.TEXT}
    assert set(train_gpu.ratios(seconds).values()) == {2.0}
    rates = {f"{name}, items/s": 1e6 for name in train_gpu.CASES}
    assert train_gpu.epochs(rates)["text, s for 90 M characters"] == 90


def test_compressing_beside_rivals(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(codec_bench, "RIVALS", {"cat": "cat {} > packed", "no-such-tool": "false"})
    (tmp_path / "a").write_bytes(b"What is said twice is said twice. " * 4)
    assert bench_main(["compress", str(tmp_path / "a"), "--model", "none", "--json"]) == 0
    ours, rival = json.loads(capsys.readouterr().out)
    assert (ours["tool"], ours["size"], rival["tool"], rival["packed"]) == ("nextstroke, model none", 136, "cat", 136)
    assert ours["packed"] < 100
    assert ours["bits_per_byte"] == round(8 * ours["packed"] / 136, 4)
    assert bench_main(["compress", str(tmp_path / "b")]) == 3
