"""Work that nobody waits for any more: it is given up, and nobody else's is touched."""

import base64
import json
import socket
import threading
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace

import httpx
import numpy as np
import pytest

from nextstroke.api import write_lines
from nextstroke.errors import UnknownCharacters
from nextstroke.handwriting.hands import Hand, gallery_hand, pack_hands
from nextstroke.handwriting.recogniser import recogniser_of
from nextstroke.handwriting.request import line_requests
from nextstroke.runtime.model_file import load_model
from nextstroke.web.server import app
from nextstroke.web.server.app import make_app
from nextstroke.web.server.batcher import Batcher, Gone, Ticket, TimeOver, _Task
from nextstroke.web.server.request_limits import Limits
from nextstroke.web.server.schemas import GenerateBody, LearnBody
from tests.web.conftest import HEAD, Served


def write(client):
    return client.post("/v1/write", json={"text": "hello there", "best_of": 1}).status_code


@pytest.fixture
def at_step(monkeypatch):
    """Has something done before a step of a writer, and counts its steps by the lines side by side."""

    def watch(writer, number, act):
        taken, counts = writer.step, Counter()

        def step(inputs):
            counts[len(inputs["point"])] += 1
            if counts.total() == number:
                act()
            return taken(inputs)

        monkeypatch.setattr(writer, "step", step, raising=False)
        return counts

    return watch


def test_work_for_clients_that_left_is_given_up(served, client, monkeypatch, at_step):
    """Of four long texts the first is under way and three wait when all clients leave: no step is made for them."""
    tickets, under_way, left = [], threading.Event(), threading.Event()

    def wait():
        under_way.set()
        left.wait(200)
        for ticket in tickets[:4]:
            ticket.gone.wait(200)

    counts = at_step(served.server.config.app.state.service.writer, 40, wait)
    monkeypatch.setattr(app, "Ticket", lambda seconds: tickets.append(Ticket(seconds)) or tickets[-1])
    body = json.dumps({"text": "some words of a letter " * 12, "best_of": 16, "page": "a5"}).encode()
    with ExitStack() as stack:
        for number in range(1, 5):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            line.sendall(HEAD.format(len(body)).encode() + body)
            while len(tickets) < number:
                time.sleep(0.01)
        assert under_way.wait(200)
    left.set()
    assert write(client) == 200  # one candidate, which comes last in the queue
    assert [ticket.gone.is_set() for ticket in tickets] == [True] * 4 + [False]
    assert sum(steps for lines, steps in counts.items() if lines > 1) == 40


@pytest.mark.parametrize("format", ["svg", "ndjson"])
def test_a_line_under_way_is_left_when_its_client_leaves(served, client, monkeypatch, at_step, format):
    tickets, under_way = [], threading.Event()

    def wait():
        under_way.set()
        assert tickets[0].gone.wait(200), "the server has not seen that the client left"

    counts = at_step(served.server.config.app.state.service.writer, 40, wait)
    monkeypatch.setattr(app, "Ticket", lambda seconds: tickets.append(Ticket(seconds)) or tickets[-1])
    body = json.dumps({"text": "words of a line that takes long", "best_of": 4, "format": format}).encode()
    with socket.create_connection(("127.0.0.1", served.port)) as line:
        line.sendall(HEAD.format(len(body)).encode() + body)
        assert under_way.wait(200)
    assert write(client) == 200  # one candidate, behind it in the queue
    assert counts[4] == 40


def test_a_prime_is_read_no_further_when_its_client_leaves(served, monkeypatch):
    service, ticket, read = served.server.config.app.state.service, Ticket(60), []
    taken = service.text.step

    def step(inputs):
        read.append(inputs["symbol"][0])
        if len(read) == 40:
            ticket.gone.set()
        return taken(inputs)

    monkeypatch.setattr(service.text, "step", step, raising=False)
    pieces = service.generate(GenerateBody(prime="a long text " * 100), ticket)
    with pytest.raises(Gone):
        next(pieces)
    assert len(read) == 40


@pytest.fixture(scope="module")
def batcher():
    writer = load_model("writer", "writer")
    return Batcher(writer, recogniser_of(writer), threads=0)


def tasks_of(*texts):
    requests = line_requests(load_model("writer", "writer"), texts, seed=3)
    return [_Task(request, 2, Ticket(60), Future()) for request in requests]


def test_a_line_is_the_very_same_where_another_client_of_its_batch_leaves(batcher, at_step):
    one, two = tasks_of("words of a line", "another one"), tasks_of("words of a line", "another one")
    batcher._write(one)
    at_step(batcher.model, 30, two[1].ticket.gone.set)
    batcher._write(two)
    assert two[1].ticket.gone.is_set()
    np.testing.assert_array_equal(two[0].result.result().ink.points, one[0].result.result().ink.points)


def test_of_a_batch_that_nobody_waits_for_each_client_is_told_why(batcher, at_step):
    left, late = tasks = tasks_of("words of a line", "another one")

    def end():
        left.ticket.gone.set()
        late.ticket.seconds = 0.0

    counts = at_step(batcher.model, 30, end)
    batcher._write(tasks)
    assert [type(task.result.exception()) for task in tasks] == [Gone, TimeOver]
    assert counts.total() == 30


def test_an_error_of_one_request_in_a_batch_is_not_given_to_another(batcher):
    """The style is one that no check let through: whatever is raised in a batch is kept apart, not only bad styles."""
    alone, (good, bad) = tasks_of("words of a line"), tasks_of("words of a line", "another one")
    batcher._write(alone)
    request = replace(bad.request, hand=Hand("bad", "\u6f22 ", batcher.model.start(1)))
    more = bad._replace(result=Future())  # a good line of the same HTTP request
    batcher._write([good, bad._replace(request=request), more])
    np.testing.assert_array_equal(good.result.result().ink.points, alone[0].result.result().ink.points)
    assert isinstance(bad.result.exception(), UnknownCharacters)
    assert isinstance(more.result.exception(), UnknownCharacters)


def test_a_style_is_checked_before_it_is_queued(served, client, monkeypatch):
    service, style = served.server.config.app.state.service, gallery_hand("neat", "writer")
    monkeypatch.setattr(service.batcher, "tasks", None)  # to put a line there is an error
    for text, status, says in [("\u6f22 ", 422, "\u6f22"), ("many words " * 200, 413, "at most 2000")]:
        sent = base64.b64encode(pack_hands([replace(style, text=text)])).decode()
        answer = client.post("/v1/write", json={"text": "hello", "style": sent})
        assert answer.status_code == status
        assert says in answer.json()["error"]


def test_a_hand_is_learned_no_further_when_its_client_leaves(served, at_step):
    service, ticket = served.server.config.app.state.service, Ticket(60)
    text = "the quick brown fox jumps over"
    ink = write_lines(service.writer, [text], 1.0, 1, gallery_hand("plain", "writer"))[0].ink
    lines = [{"text": text, "strokes": [stroke.tolist() for stroke in ink.strokes()]}]
    counts = at_step(service.writer, 40, ticket.gone.set)
    with pytest.raises(Gone):
        service.learn(LearnBody.model_validate({"lines": lines}), ticket)
    learned = counts.total()
    assert learned == 40
    ticket = Ticket(60)
    judged = at_step(service.writer, 500, ticket.gone.set)  # by then the specimen is written, and the hand is judged
    with pytest.raises(Gone):
        service.learn(LearnBody.model_validate({"lines": lines}), ticket)
    assert judged.total() == 500


def test_requests_that_find_no_memory_free_are_told_to_come_again(served, client):
    memory = served.server.config.app.state.service.memory
    with memory.reserved(memory.free - 1_000_000):  # enough to read a request, not to write a line
        answer = client.post("/v1/write", json={"text": "hello"})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
        big = client.post("/v1/write", content=b" " * 500_000, headers={"content-type": "application/json"})
        assert big.status_code == 429
    assert write(client) == 200
    for _ in range(3):
        client.post("/v1/write", json={"text": "snow \u2603"})
    deadline = time.monotonic() + 10  # an answer is there a moment before its request has ended
    while memory.free < memory.total and time.monotonic() < deadline:
        time.sleep(0.01)
    assert memory.free == memory.total


def test_work_that_takes_too_long_is_broken_off():
    with Served(make_app(Limits(seconds=0.3))) as server:
        order = {"text": "many words of a long letter " * 40, "best_of": 8, "page": "a4"}
        answer = httpx.post(f"{server.address}/v1/write", json=order, timeout=240)
    assert answer.status_code == 504
    assert "longer" in answer.json()["error"]
