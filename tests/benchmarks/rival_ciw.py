"""M/M/100+M (workload W1 of the bench) in Ciw, which has abandonment built in."""

import time
from collections.abc import Iterator

import ciw

NETWORK = ciw.create_network(
    arrival_distributions=[ciw.dists.Exponential(rate=1.05)],
    service_distributions=[ciw.dists.Exponential(rate=1.0 / 100.0)],
    reneging_time_distributions=[ciw.dists.Exponential(rate=1.0 / 200.0)],
    number_of_servers=[100],
)


def w1(seconds: float) -> Iterator[tuple[float, float]]:
    """Calls per second and the share abandoned."""
    seed = 0
    while True:
        calls, lost, spent = 0, 0, 0.0
        while spent < seconds:
            seed += 1
            ciw.seed(seed)
            started = time.perf_counter()
            simulation = ciw.Simulation(NETWORK)
            simulation.simulate_until_max_time(20_000.0)
            records = simulation.get_all_records()
            spent += time.perf_counter() - started
            calls += len(records)
            lost += sum(record.record_type == "renege" for record in records)
        yield calls / spent, lost / calls
