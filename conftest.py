"""One thread for each test process: two pools of threads on the same cores only wait for each other.

The variables must be set before numpy and torch are first imported, and worker processes inherit them.
This file is in the root, so that it counts for the docstrings of the package too.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("SCIPY_ARRAY_API", "1")  # scikit-learn's array API checks run only where it is set

import torch

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
