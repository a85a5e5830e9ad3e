"""M/M/100+M (workload W1 of the bench) as a compiled model of Cimba.

Callers wait in a store; an agent set free asks the first whether it is still there, which is faster than a timer per
caller and gives the same results.
"""

import time
from collections.abc import Iterator

import cimba
from cimba import inputs


class W1(cimba.Model):
    gap: cimba.Input[float] = inputs.dist.exponential(mean=1.0 / 1.05)
    service: cimba.Input[float] = inputs.dist.exponential(mean=100.0)
    patience: cimba.Input[float] = inputs.dist.exponential(mean=200.0)
    waiting: cimba.Store[float]
    count: cimba.Array[int] = cimba.Array(2)
    offered: cimba.Output[float]
    abandoned: cimba.Output[float]

    @cimba.process
    def arrivals(self):
        while True:
            cimba.hold(self.gap.next())
            self.count[0] += 1
            self.waiting.put(cimba.now() + self.patience.next())

    @cimba.process(copies=100)
    def agent(self):
        while True:
            deadline = self.waiting.get()
            if deadline < cimba.now():
                self.count[1] += 1
            else:
                cimba.hold(self.service.next())

    @cimba.on_end
    def measure(self):
        self.offered = float(self.count[0])
        self.abandoned = float(self.count[1])


def w1(seconds: float) -> Iterator[tuple[float, float]]:
    """Calls per second and the share abandoned."""
    model, window, seed = W1(), cimba.Window(duration=400_000.0), 0
    cimba.Experiment(model, replications=1, window=window, seed=seed).run()  # compiles
    while True:
        calls, lost, spent = 0.0, 0.0, 0.0
        while spent < seconds:
            seed += 1
            experiment = cimba.Experiment(model, replications=1, window=window, seed=seed)
            started = time.perf_counter()
            found = experiment.run()[model]
            spent += time.perf_counter() - started
            calls += float(found.offered.values.sum())
            lost += float(found.abandoned.values.sum())
        yield calls / spent, lost / calls
