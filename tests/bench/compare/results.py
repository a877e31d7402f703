"""From the values of turns to figures: medians with their spread, ratios to the limit and to the best peer.

A ratio is a cost: 2 to the limit is twice the limit's time or half its rate; 2 to a peer is twice as good as the peer."""
import statistics

from compare.works import LIMIT, OURS, title


def figures_of(work, size, turns):
    """One record for each row and contestant.  turns: {contestant: [values of each turn]}."""
    records = []
    for row in work.rows:
        taken = {name: [turn[row.key] for turn in values if row.key in turn] for name, values in turns.items()}
        medians = {name: statistics.median(values) for name, values in taken.items() if values}
        for name, median in medians.items():
            record = {"kind": "figure", "work": work.key, "row": row.key, "size": size, "title": title(work, row, size), "unit": row.unit,
                      "contestant": name, "median": median, "low": min(taken[name]), "high": max(taken[name]), "turns": len(taken[name])}
            if row.key == "p50":
                record["hundredths"] = [statistics.median(each) for each in zip(*(turn["hundredths"] for turn in turns[name]))]
            records.append(record)
        ours = next((record for record in records[-len(medians):] if record["contestant"] == OURS), None) if medians else None
        if ours:
            ours.update(_ratios(row, taken, medians))
    return records


def _cost(row, ours, other):
    return other / ours if row.larger_is_better else ours / other


def _ratios(row, taken, medians):
    """To the limit turn by turn, since the machine's speed changes between turns."""
    ratios = {}
    if LIMIT in medians:
        ratios["to_limit"] = statistics.median(_cost(row, *pair) for pair in zip(taken[OURS], taken[LIMIT]))
    peers = {name: median for name, median in medians.items() if name not in (LIMIT, OURS)}
    if peers:
        best = (max if row.larger_is_better else min)(peers, key=peers.get)
        ratios["best_peer"], ratios["better_than_peer"] = best, 1 / _cost(row, medians[OURS], peers[best])
    return ratios


_SCALES = {"s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")), "/s": ((1e6, "M/s"), (1e3, "k/s"), (1, "/s")),
           "B/s": ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s")), "B": ((1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))}


def scale_of(value, unit):
    """(divisor, name) in which a value is read easily."""
    scales = _SCALES[unit]
    return next((scale for scale in scales if abs(value) >= scale[0]), scales[-1])


def digits(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def text_of(value, unit):
    divisor, name = scale_of(value, unit)
    return f"{digits(value / divisor)} {name}"
