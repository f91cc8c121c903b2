#!/bin/sh
# What to run where a GPU is lent, from the root of the repository, with a torch that has CUDA (its wheel brings Triton):
#     sh benchmarks/gpu.sh [folder of the results]
# Needs torch 2.8 or newer for the rows in bfloat16, and the extras train and test.
# The check comes first: figures of a wrong network are worth nothing.
set -e
out=${1:-gpu}
python=${PYTHON:-python3}
export PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}"
# Triton 3.9 warns of a default to come, and warnings are errors in the tests.
export TRITON_DEFAULT_FP_FUSION=1
mkdir -p "$out"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | tee "$out/device.txt"
"$python" -c "import torch, triton; print(torch.__version__, torch.version.cuda, triton.__version__)" | tee -a "$out/device.txt"
# Losses and derivatives on the GPU against float64 on the CPU, captures, and whole trainings.
"$python" -m pytest tests/nets/test_gpu.py tests/nets/test_triton_kernels.py tests/training/test_cuda_graphs.py -v | tee "$out/check.txt"
"$python" -m benchmarks train --device cuda --rounds 7 --json | tee "$out/bench.json"
# Where the time of an update goes.
"$python" benchmarks/gpu_profile.py | tee "$out/profile.txt"
