"""How much of the machine to use. No output depends on these, so that no stage does."""

from s2.params.base import Above0, Count, Part, Positive, Section


class Machine(Section):
    workers: Positive
    memory: Above0
    requests: Positive
    timeout_s: Positive
    retries: Count
    checkpoint_every: Part
    processes: Positive
