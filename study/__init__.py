"""A comparative study of static and contextual word embeddings on the same corpus, words and budget."""

import os

# How long threads that have nothing to do spin before they sleep. For ever (the default), and a training is five times slower and
# more where other programs share the processor; not at all, and on idle cores an encoder is a quarter slower and a recurrent
# network three times. Ten thousand turns, a tenth of a millisecond or so, cost little in either case. It counts only before torch
# is loaded, so it stands here; GNU's library reads the second, others the first.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
