"""CUDA graphs: the thousands of small kernels of a chunk's forward and backward as one launch.

The whole chunk is captured, loss and gradients included, for each set of shapes; see "CUDA Graphs"
in torch's notes on CUDA semantics. Inputs are copied to the addresses of the capture, results are
at the addresses of the capture. Weights are read in place, so that an optimiser that moves them in
place needs no new capture. A CPU is not affected.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Work = Callable[..., list[Tensor]]

WARM_UPS = 2  # runs before a capture: libraries settle and Triton compiles


class Capture:
    """A captured function of tensors of fixed shapes; a call copies the inputs in and replays.

    Args:
        work: Function of tensors without autograd; may not wait for the device, nor keep its
            tensors.
        inputs: Tensors of the shapes to capture.
        pool: Memory pool (`torch.cuda.graph_pool_handle()`), shared with captures that never run at
            the same time.
    """

    def __init__(self, work: Work, inputs: tuple[Tensor, ...], pool: Any):
        self.inputs = [part.clone() for part in inputs]
        # The first runs are outside the graph, on another stream as the notes ask; the random state
        # is restored.
        stream = torch.cuda.Stream()
        current = torch.cuda.current_stream()
        stream.wait_stream(current)
        with torch.random.fork_rng([torch.cuda.current_device()]), torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                work(*self.inputs)
        current.wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, pool=pool):
            self.outputs = work(*self.inputs)

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """Return the results, which are valid until the next replay."""
        for captured, given in zip(self.inputs, inputs, strict=True):
            captured.copy_(given)
        self.graph.replay()
        return self.outputs


class Replayed:
    """A function of tensors, captured once for each set of shapes and replayed; on a CPU called directly.

    The results of a call are valid until the next call, which may use the same memory.

    Args:
        work: Function as in Capture.
        most: Number of captures kept; the least recently used are dropped.
        capture: Class of the captures.
    """

    def __init__(self, work: Work, most: int = 64, capture: Callable[..., Work] = Capture):
        self.work = work
        self.most = most
        self.capture = capture
        self.kept: dict[tuple, Work] = {}
        self.pool: Any = None

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """Return the results; on a GPU they are valid until the next call."""
        return self.replay(*inputs) if inputs[0].is_cuda else self.work(*inputs)

    def replay(self, *inputs: Tensor) -> list[Tensor]:
        """Capture if these shapes are new; replay."""
        shapes = tuple((part.shape, part.dtype) for part in inputs)
        if shapes not in self.kept:
            if self.pool is None and torch.cuda.is_available():
                self.pool = torch.cuda.graph_pool_handle()
            while len(self.kept) >= self.most:
                del self.kept[next(iter(self.kept))]
            self.kept[shapes] = self.capture(self.work, inputs, self.pool)
        # The most recently used is last.
        self.kept[shapes] = self.kept.pop(shapes)
        return self.kept[shapes](*inputs)
