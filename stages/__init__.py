"""One module for each node of the graph: `python -m stages.<name>` from the repository root."""

import gc
import sys

# What a stage imports, PyTorch and transformers above all, stays: to look for cycles in it over and over
# is a sixth of the time that it takes. The runner sets the collector going again.
if sys.argv[0] == "-m":
    gc.disable()
