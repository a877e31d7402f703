"""The table for terminals."""
from compare.results import digits, scale_of, text_of
from compare.works import CONTESTANTS, OURS

NAME_WIDTH = max(len(contestant.name) for contestant in CONTESTANTS)


def lines_of(records):
    """What one work gave: a line for each row, one below it for each contestant."""
    lines = []
    for title in dict.fromkeys(record["title"] for record in records):
        lines.append(title)
        lines += [_line(record) for record in records if record["title"] == title]
    return lines


def _line(record):
    divisor, unit = scale_of(record["median"], record["unit"])
    spread = f"{digits(record['low'] / divisor)} .. {digits(record['high'] / divisor)}"
    return f"  {record['contestant']:<{NAME_WIDTH}} {digits(record['median'] / divisor):>8} {unit:<5} {spread:>18}  {_verdict(record)}".rstrip()


def _verdict(record):
    if record["contestant"] != OURS:
        return ""
    parts = []
    if "to_limit" in record:
        parts.append(f"{digits(record['to_limit'])} x the limit's cost")
    if "best_peer" in record:
        parts.append(f"{digits(record['better_than_peer'])} x as good as {record['best_peer']}")
    return "; ".join(parts)


def summary(records):
    """farhand's figures only, the way a page of results has them."""
    lines = [f"{'':<48} {'farhand':>12} {'to limit':>9} {'to best peer':>13}"]
    for record in records:
        if record["contestant"] == OURS:
            to_limit = digits(record["to_limit"]) if "to_limit" in record else ""
            to_peer = f"{digits(record['better_than_peer'])} {record['best_peer']}" if "best_peer" in record else ""
            lines.append(f"{record['title']:<48} {text_of(record['median'], record['unit']):>12} {to_limit:>9}   {to_peer}")
    return lines
