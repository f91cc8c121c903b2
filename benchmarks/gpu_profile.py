"""Where a GPU's time goes in one update of the text network and of the writer: python benchmarks/gpu_profile.py"""

import sys

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.train_gpu import CASES, Sizes, wait

DEVICE = "cuda:0"


def main(names):
    torch.backends.cuda.matmul.allow_tf32 = True  # as in a training
    for name in names:
        case = CASES[name](Sizes(), DEVICE)
        case.work()
        wait(DEVICE)
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
            case.work()
            wait(DEVICE)
        print(name)
        print(seen.key_averages().table(sort_by="self_device_time_total", row_limit=25))


if __name__ == "__main__":
    main(sys.argv[1:] or ["text", "text, bfloat16", "synthesis"])
