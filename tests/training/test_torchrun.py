"""Trainings that torchrun starts, as on many machines; here two processes with a rendezvous on loopback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from nextstroke.training.checkpoint import load_checkpoint
from tests.training.conftest import corpus_of

pytestmark = pytest.mark.slow
SETTINGS = ["network.cells=8", "network.layers=2", "network.components=2", "network.window_components=2"]
SETTINGS += ["training.chunk=20", "training.batch=2", "training.evaluate_lines_every=1", "network.dropout=0.1"]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus_of().save(tmp_path / "c.packed")


def line(run, *settings, more=()):
    # The launcher takes --run for a short form of an option of its own: the folder is named by the recipe.
    Path(f"{run}.toml").write_text('kind = "writer"\n', "utf-8")
    sets = [part for setting in (*SETTINGS, *settings) for part in ("--set", setting)]
    return ["train", f"{run}.toml", "--corpus", "c.packed", *sets, *more]


def torchrun(*command):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--rdzv-backend=c10d"]
    launcher += ["--rdzv-endpoint=127.0.0.1:0", "--max-restarts=0"]
    place = {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*launcher, "-m", "nextstroke", *command], env=os.environ | place, stderr=subprocess.PIPE, text=True
    )


def finished(process):
    process.communicate(timeout=240)
    return process.returncode == 0


def tensors(run):
    return load_checkpoint(Path("runs") / run / "checkpoint.safetensors")


def test_a_launched_team_learns_what_workers_of_ours_learn_and_resumes_to_the_bit():
    assert finished(torchrun(*line("whole", "training.updates=6")))
    ours = line("ours", "training.updates=6", more=["--workers", "2"])
    assert subprocess.run([sys.executable, "-m", "nextstroke", *ours], check=False, timeout=240).returncode == 0
    assert finished(torchrun(*line("parts", "training.updates=3")))
    assert finished(torchrun(*line("parts", "training.updates=6", more=["--resume"])))
    whole, about = tensors("whole")
    assert about["progress"]["update"] >= 6
    for other in ("ours", "parts"):
        for name, tensor in tensors(other)[0].items():
            assert torch.equal(tensor, whole[name]), (other, name)


def test_a_team_that_lost_a_worker_ends_with_a_clear_line_and_a_sound_checkpoint():
    process = torchrun(*line("run", "training.updates=100000", "training.save_every_minutes=0"))
    limit = time.monotonic() + 200
    while not Path("runs/run/checkpoint.safetensors").exists():
        assert time.monotonic() < limit
        time.sleep(0.1)
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
    os.kill(int(found.stdout.split()[-1]), signal.SIGKILL)
    _, told = process.communicate(timeout=240)
    assert process.returncode == 1
    assert "cannot reach the others; go on with --resume" in told
    assert tensors("run")[1]["progress"]["update"] >= 1
