"""CUDA graphs: the thousands of small kernels of a chunk's forward and backward as one launch.

The whole chunk is captured, loss and derivatives included, for each set of shapes; see "CUDA Graphs" in torch's notes
on CUDA semantics: inputs are copied to where they were when captured, results lie where they lay. Weights are read
where they are, so an optimiser that moves them in place needs no new capture. Nothing of this touches a CPU.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Work = Callable[..., list[Tensor]]

WARM_UPS = 2  # runs before a capture: libraries settle and Triton compiles


class Capture:
    """Work on tensors of fixed shapes, captured; calling it copies the inputs in and replays.

    Args:
        work: Tensors to tensors without a trace of autograd; may not wait for the device, nor keep anything it makes.
        inputs: Of the shapes to capture.
        pool: Of memory, of `torch.cuda.graph_pool_handle()`, shared with captures that never run at the same time.
    """

    def __init__(self, work: Work, inputs: tuple[Tensor, ...], pool: Any):
        self.inputs = [part.clone() for part in inputs]
        self._warm_up(work)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, pool=pool):
            self.outputs = work(*self.inputs)

    def _warm_up(self, work: Work) -> None:
        """Run outside of the graph, on another stream as the notes ask; what it draws is given back."""
        stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
        stream.wait_stream(current)
        with torch.random.fork_rng([torch.cuda.current_device()]), torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                work(*self.inputs)
        current.wait_stream(stream)

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """The results, where they lie until the next replay."""
        for ours, theirs in zip(self.inputs, inputs, strict=True):
            ours.copy_(theirs)
        self.graph.replay()
        return self.outputs


class Replayed:
    """Work on tensors, captured once for each set of shapes and replayed; on a CPU simply done.

    What a call returns holds until the next call, which may use the same memory.

    Args:
        work: As in Capture.
        most: So many captures are kept; then those used longest ago give way.
        capture: How to capture.
    """

    def __init__(self, work: Work, most: int = 64, capture: Callable[..., Work] = Capture):
        self.work, self.most, self.capture = work, most, capture
        self.kept: dict[tuple, Work] = {}
        self.pool: Any = None

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """The results of the work; of a GPU they hold until the next call."""
        return self.replay(*inputs) if inputs[0].is_cuda else self.work(*inputs)

    def replay(self, *inputs: Tensor) -> list[Tensor]:
        """Capture if these shapes are new, and replay."""
        shapes = tuple((part.shape, part.dtype) for part in inputs)
        if shapes not in self.kept:
            self._make_room()
            self.kept[shapes] = self.capture(self.work, inputs, self.pool)
        # The youngest stands last.
        self.kept[shapes] = self.kept.pop(shapes)
        return self.kept[shapes](*inputs)

    def _make_room(self) -> None:
        if self.pool is None and torch.cuda.is_available():
            self.pool = torch.cuda.graph_pool_handle()
        while len(self.kept) >= self.most:
            del self.kept[next(iter(self.kept))]
