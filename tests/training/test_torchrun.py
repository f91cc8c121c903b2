"""Trainings that torchrun starts, as on many machines; here two processes with a rendezvous on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import torch

from nextstroke.errors import BadInput
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
    Path("r.toml").write_text('kind = "writer"\n', "utf-8")
    sets = [part for setting in (*SETTINGS, *settings) for part in ("--set", setting)]
    return ["train", "r.toml", "--corpus", "c.packed", "--run", f"runs/{run}", *sets, *more]


def torchrun(*command, restarts=0, inside=(), interface="lo", **options):
    """One agent with its workers; `inside` is put before its command line.

    Without the two dashes before our name torchrun would take --run for an option of its own.
    """
    launcher = [sys.executable, "-m", "torch.distributed.run", f"--max-restarts={restarts}", "--rdzv-backend=c10d"]
    told = {"nproc-per-node": 2, "rdzv-endpoint": "127.0.0.1:0"} | {k.replace("_", "-"): v for k, v in options.items()}
    launcher += [f"--{name}={value}" for name, value in told.items()]
    place = {"GLOO_SOCKET_IFNAME": interface, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*inside, *launcher, "-m", "--", "nextstroke", *command],
        env=os.environ | place,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process):
    process.communicate(timeout=240)
    return process.returncode == 0


def tensors(run):
    return load_checkpoint(Path("runs") / run / "checkpoint.safetensors")


def await_update(run, update):
    """Wait until a checkpoint stands at `update` or later."""
    limit = time.monotonic() + 200
    while time.monotonic() < limit:
        with suppress(BadInput):
            if tensors(run)[1]["progress"]["update"] >= update:
                return
        time.sleep(0.05)
    raise AssertionError(f"no checkpoint of {run} at update {update}")


def workers_of(process):
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
    return [int(pid) for pid in found.stdout.split()]


def assert_same(run, other):
    for name, tensor in tensors(run)[0].items():
        assert torch.equal(tensor, tensors(other)[0][name]), name


def test_a_launched_team_learns_what_workers_of_ours_learn_and_resumes_to_the_bit():
    assert finished(torchrun(*line("whole", "training.updates=6")))
    ours = line("ours", "training.updates=6", more=["--workers", "2"])
    assert subprocess.run([sys.executable, "-m", "nextstroke", *ours], check=False, timeout=240).returncode == 0
    assert finished(torchrun(*line("parts", "training.updates=3")))
    assert finished(torchrun(*line("parts", "training.updates=6", more=["--resume"])))
    assert tensors("whole")[1]["progress"]["update"] >= 6
    for other in ("ours", "parts"):
        assert_same(other, "whole")


def test_a_team_that_lost_a_worker_ends_with_a_clear_line_and_a_sound_checkpoint():
    process = torchrun(*line("run", "training.updates=100000", "training.save_every_minutes=0"))
    await_update("run", 1)
    os.kill(workers_of(process)[-1], signal.SIGKILL)
    _, told = process.communicate(timeout=240)
    assert process.returncode == 1
    assert "cannot reach the others; go on with --resume" in told
    assert tensors("run")[1]["progress"]["update"] >= 1


@pytest.mark.parametrize("lost", [0, -1], ids=["the leader", "another"])
def test_a_restarted_team_goes_on_by_itself_as_if_nothing_had_happened(lost):
    settings = ["training.updates=150", "training.save_every_minutes=0"]
    process = torchrun(*line("cut", *settings), restarts=2)
    await_update("cut", 20)
    os.kill(workers_of(process)[lost], signal.SIGKILL)
    assert finished(process)
    assert finished(torchrun(*line("whole", *settings)))
    assert_same("cut", "whole")


def test_a_restart_does_not_go_on_with_what_it_was_refused():
    assert finished(torchrun(*line("run", "training.updates=3")))
    before = Path("runs/run/checkpoint.safetensors").read_bytes()
    process = torchrun(*line("run", "training.updates=6"), restarts=1)
    _, told = process.communicate(timeout=240)
    assert process.returncode == 1
    assert told.count("add --resume to go on") == 2
    assert Path("runs/run/checkpoint.safetensors").read_bytes() == before


def two_agents(run, places, endpoint, *settings, restarts=0):
    """Two machines with one worker each, in `places`: (what goes before the command, interface, own address)."""
    shared = {"nnodes": 2, "nproc_per_node": 1, "rdzv_id": run, "rdzv_endpoint": endpoint, "restarts": restarts}
    return [
        # The agent knows itself for the host of the rendezvous by its name only, not by the address of a namespace.
        torchrun(
            *line(run, *settings),
            inside=inside,
            interface=interface,
            local_addr=address,
            rdzv_conf=f"is_host={i == 0:d}",
            **shared,
        )
        for i, (inside, interface, address) in enumerate(places)
    ]


@pytest.fixture
def loopback():
    """Two places on this machine, and where they meet."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return [((), "lo", "127.0.0.1")] * 2, f"127.0.0.1:{port}"


def test_two_agents_learn_what_one_does(loopback):
    assert finished(torchrun(*line("one", "training.updates=6")))
    agents = two_agents("two", *loopback, "training.updates=6")
    assert [finished(agent) for agent in agents] == [True, True]
    assert_same("two", "one")


def test_both_agents_go_on_after_one_lost_its_worker(loopback):
    """The other agent may start its worker anew without counting that as a restart."""
    settings = ["training.updates=150", "training.save_every_minutes=0"]
    agents = two_agents("cut", *loopback, *settings, restarts=2)
    await_update("cut", 20)
    os.kill(workers_of(agents[1])[0], signal.SIGKILL)
    assert [finished(agent) for agent in agents] == [True, True]
    assert finished(torchrun(*line("whole", *settings)))
    assert_same("cut", "whole")


@contextmanager
def two_hosts():
    """Two network namespaces joined by a cable: (command that enters one, its interface, its address) of each."""
    with ExitStack() as stack:
        holders = [subprocess.Popen(["unshare", "--net", "sleep", "600"]) for _ in range(2)]
        for holder in holders:
            stack.callback(holder.wait)
            stack.callback(holder.kill)
        enter = [["nsenter", f"--target={holder.pid}", "--net"] for holder in holders]
        try:
            time.sleep(1)
            lay_cable(enter, holders[1].pid)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"this user may not make network namespaces ({error})")
        yield [(enter[i], "cable", f"10.77.0.{i + 1}") for i in range(2)]


def lay_cable(enter, other):
    own = os.stat("/proc/self/ns/net").st_ino
    assert os.stat(f"/proc/{other}/ns/net").st_ino != own
    subprocess.run([*enter[0], *f"ip link add cable type veth peer name cable netns {other}".split()], check=True)
    for i, inside in enumerate(enter):
        for words in (f"addr add 10.77.0.{i + 1}/24 dev cable", "link set cable up", "link set lo up"):
            subprocess.run([*inside, "ip", *words.split()], check=True)


def test_two_hosts_learn_what_one_does():
    assert finished(torchrun(*line("one", "training.updates=6")))
    with two_hosts() as places:
        agents = two_agents("two", places, "10.77.0.1:29400", "training.updates=6")
        assert [finished(agent) for agent in agents] == [True, True]
    assert_same("two", "one")
