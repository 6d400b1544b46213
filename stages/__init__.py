"""One module for each node of the graph: `python -m stages.<name>` from the repository root.

PyTorch and what stands on it make a million objects at their import, all of which stay: to look for
garbage among them takes 2 of 10 seconds. So Python does not collect while it imports a stage that it is
to run; `stages.runner.run` lets it, and then it looks once in ten thousand new objects, not in 700, for
some of what a stage needs is imported later, and each look may go through all of those.
"""

import gc
import sys

if sys.argv[0] == "-m":  # as long as Python has not found the module that it is to run
    gc.disable()
    gc.set_threshold(10_000)
