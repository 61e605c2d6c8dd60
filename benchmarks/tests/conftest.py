"""What the benchmarks' tests share."""

import os

os.environ["MPLBACKEND"] = "Agg"

import torch

# Workers of pytest share the cores: threads that wait for each other take ten times as long.
torch.set_num_threads(1)
