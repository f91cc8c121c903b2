import numpy as np
import pytest

from nextstroke.compression.lm import integer_matmul
from nextstroke.compression.lm.integer_matmul import (
    LEVELS,
    ONE,
    ZERO,
    Product,
    by_floats,
    by_runtime,
    kind_of_changing,
    multiply,
    runtime_is_exact,
)
from nextstroke.errors import CorruptFile

rng = np.random.default_rng(0)
WAYS = [by_floats, by_runtime]


def expected(whole, h):
    return (h.astype(np.int64) - ZERO) @ whole.astype(np.int64).T


def results(product, h):
    return product.sums(h) * product.scale


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("inputs", [3, 512, 1030, 1400])
def test_sums_are_exact(by, inputs):
    whole = rng.integers(-LEVELS, LEVELS + 1, (64, inputs)).astype(np.int8)
    whole[:2] = [[LEVELS], [-LEVELS]]
    h = rng.integers(0, ZERO + ONE + 1, (7, inputs)).astype(np.uint8)
    h[:2] = [[1], [ZERO + ONE]]
    if by is by_runtime and not runtime_is_exact():
        pytest.skip("this processor's sums of bytes flow over")
    assert (by(whole)(h) == expected(whole, h)).all()


def test_sums_that_float32_could_not_hold_are_exact():
    whole, h = np.full((1, 1399), LEVELS, np.int8), np.full((1, 1399), ZERO + ONE, np.uint8)
    whole[0, -1] = 2
    assert expected(whole, h)[0, 0] > 2**24
    assert expected(whole, h)[0, 0] % 2 == 0
    h[0, 0] -= 1  # an odd sum, which float32 has not
    assert by_floats(whole)(h)[0, 0] == expected(whole, h)[0, 0]


def test_a_product_is_near_that_of_the_real_numbers():
    weight = rng.normal(0, 1, (50, 300)) * np.logspace(-3, 2, 50)[:, None]
    weight[7] = 0
    h = rng.integers(1, ZERO + ONE + 1, (9, 300)).astype(np.uint8)
    told = results(Product(weight), h)
    step = np.abs(weight).max(1) / LEVELS
    assert (np.abs(told - (h.astype(float) - ZERO) / ONE @ weight.T) <= 300 / 2 * step + 1e-2).all()
    assert (np.abs(Product(weight).whole).max(1)[np.arange(50) != 7] == LEVELS).all()


def test_the_first_inputs_can_be_multiplied_apart():
    weight, h = rng.normal(0, 1, (20, 30)), rng.integers(0, 256, (5, 30)).astype(np.uint8)
    apart = Product(weight, first=12)
    assert (apart.sums(h[:, :12], first=True) + apart.sums(h[:, 12:]) == Product(weight).sums(h)).all()


def test_weights_that_bytes_hold_come_through_unchanged():
    whole = rng.integers(-LEVELS, LEVELS + 1, (20, 30)).astype(np.int8)
    whole[:, 0] = LEVELS
    taken = Product((whole * 0.001).astype(np.float32))
    assert (taken.whole == whole).all()
    assert np.abs(taken.scale * ONE - 0.001).max() < 1e-9


def test_without_the_runtime_the_same_numbers_come_from_floats(monkeypatch):
    weight, h = rng.normal(0, 1, (20, 30)), rng.integers(0, 256, (5, 30)).astype(np.uint8)
    told = results(Product(weight), h)
    monkeypatch.setattr(integer_matmul, "by_runtime", lambda whole: 1 / 0)
    runtime_is_exact.cache_clear()
    try:
        assert not runtime_is_exact()
        assert (results(Product(weight), h) == told).all()
    finally:
        runtime_is_exact.cache_clear()


def test_a_product_with_any_weights_is_that_of_fixed_ones(monkeypatch):
    whole, h = rng.integers(-127, 128, (20, 30)).astype(np.int8), rng.integers(0, 256, (5, 30)).astype(np.uint8)
    for exact in (runtime_is_exact(), False):
        monkeypatch.setattr(integer_matmul, "runtime_is_exact", lambda exact=exact: exact)
        changing = np.ascontiguousarray(whole.T, kind_of_changing())
        assert (multiply(h, changing) == expected(whole, h)).all()
        assert (multiply(h, np.ascontiguousarray(whole.T)) == expected(whole, h)).all()


def test_sums_that_flow_over_are_noticed(monkeypatch):
    monkeypatch.setattr(integer_matmul, "by_runtime", lambda whole: lambda h: np.minimum(expected(whole, h), 2**19))
    runtime_is_exact.cache_clear()
    try:
        assert not runtime_is_exact()
    finally:
        runtime_is_exact.cache_clear()


@pytest.mark.parametrize("given", [True, False])
def test_the_graph_is_a_model_that_onnx_accepts(monkeypatch, given):
    onnx = pytest.importorskip("onnx")
    made = []
    monkeypatch.setattr(integer_matmul, "open_session", made.append)
    integer_matmul._any_product.__wrapped__() if given else by_runtime(np.ones((200, 300), np.int8))
    onnx.checker.check_model(onnx.load_from_string(made[0]), full_check=True)


def test_weights_beyond_the_integers_are_refused():
    with pytest.raises(CorruptFile, match="not finite"):
        Product(np.array([[np.inf]]))
    with pytest.raises(CorruptFile, match="too large"):
        Product(np.array([[1e30]]))
