"""Plots of a recorded comparison, as SVG that is the same for the same record."""
import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "farhand", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9,
                            "axes.grid": True, "grid.alpha": 0.3, "axes.axisbelow": True, "axes.spines.top": False,
                            "axes.spines.right": False})

from matplotlib import pyplot, ticker  # noqa: E402  (after the choice of how to draw)

from compare.works import CONTESTANTS, GIB, KIB, LIMIT, MIB, OURS  # noqa: E402

COLOURS = dict(zip((contestant.name for contestant in CONTESTANTS),
                   ("#444444", "#d62728", "#ff9f1c", "#2a9d8f", "#1f77b4", "#8c564b", "#9467bd", "#7f9f3f", "#4c9fd4", "#c06090", "#607080")))


class Plots:
    """name -> what it shows, for those that the record has figures for."""

    def __init__(self, records, folder):
        self._figures = [record for record in records if record["kind"] == "figure"]
        self._folder = folder

    def draw(self):
        made = {}
        for name, (text, draw) in {
                "transfer": ("Scatter, gather, and gather and sum of doubles along axis 0, from 1 KiB to 1 GiB: gathered bytes a second", self._transfer),
                "noop": ("How long calls that do nothing take: the share of calls that are done by then", self._noop),
                "pipelined": ("Small calls, many at once, from one Python client", self._pipelined),
                "engines": ("What one more engine costs: getting ready, and an operation on all whose value is read", self._engines),
                "ratios": ("farhand's cost over the limit's, and the best peer's over farhand's", self._ratios)}.items():
            figure = draw()
            if figure is not None:
                figure.savefig(self._folder / f"{name}.svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
                pyplot.close(figure)
                made[name] = text
        return made

    def _of(self, work, row):
        return [record for record in self._figures if record["work"] == work and record["row"] == row]

    def _line(self, axes, records, y_of, x_of=lambda record: record["size"]):
        """A line for each contestant."""
        for name in dict.fromkeys(record["contestant"] for record in records):
            points = sorted((x_of(record), y_of(record)) for record in records if record["contestant"] == name)
            axes.plot(*zip(*points), marker="o", markersize=3, label=name, color=COLOURS[name], linewidth=2.2 if name == OURS else 1.2,
                      linestyle="--" if name == LIMIT else "-", zorder=3 if name == OURS else 2)

    def _transfer(self):
        rows = {"scatter": lambda record: record["median"] / 1e9, "gather": lambda record: record["size"] / record["median"] / 1e9,
                "read": lambda record: record["size"] / record["median"] / 1e9}
        if len({record["size"] for record in self._of("axis0", "scatter")}) < 2:
            return None
        figure, panels = pyplot.subplots(1, 3, figsize=(11, 3.6), sharex=True)
        for axes, (row, y_of) in zip(panels, rows.items()):
            self._line(axes, self._of("axis0", row), y_of)
            axes.set(xscale="log", yscale="log", xlabel="size", ylabel="GB/s",
                     title={"scatter": "scatter", "gather": "gather (perhaps mapped)", "read": "gather and sum it"}[row])
            axes.xaxis.set_major_locator(ticker.FixedLocator([KIB, 32 * KIB, MIB, 32 * MIB, GIB]))
            axes.xaxis.set_major_formatter(ticker.FixedFormatter(["1 KiB", "32 KiB", "1 MiB", "32 MiB", "1 GiB"]))
            axes.xaxis.set_minor_locator(ticker.NullLocator())
        panels[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        figure.tight_layout()
        return figure

    def _noop(self):
        records = self._of("noop", "p50")
        if not records:
            return None
        figure, axes = pyplot.subplots(figsize=(6.5, 3.6))
        for record in records:
            name = record["contestant"]
            axes.plot([value * 1e6 for value in record["hundredths"]], range(101), label=name, color=COLOURS[name],
                      linewidth=2.2 if name == OURS else 1.2, linestyle="--" if name == LIMIT else "-")
        axes.set(xscale="log", xlabel="time of a call, µs", ylabel="% of calls", ylim=(0, 100))
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        return figure

    def _pipelined(self):
        records = sorted(self._of("pipelined", "rate"), key=lambda record: record["median"])
        if not records:
            return None
        figure, axes = pyplot.subplots(figsize=(6.5, 0.3 * len(records) + 0.9))
        names = [record["contestant"] for record in records]
        axes.barh(names, [record["median"] for record in records], color=[COLOURS[name] for name in names],
                  xerr=[[record["median"] - record["low"] for record in records], [record["high"] - record["median"] for record in records]],
                  error_kw={"linewidth": 0.8})
        axes.set(xscale="log", xlabel="calls a second")
        return figure

    def _engines(self):
        rows = {"ready": (1e3, "ms", "until all are ready"), "sum": (1e6, "µs", "(x + 1).sum() on all, value read")}
        if len({record["size"] for record in self._of("engines", "ready")}) < 2:
            return None
        figure, panels = pyplot.subplots(1, 2, figsize=(7.5, 3.2))
        for axes, (row, (scale, unit, title)) in zip(panels, rows.items()):
            records = self._of("engines", row)
            self._line(axes, records, lambda record: record["median"] * scale)
            axes.set(xscale="log", yscale="log", xlabel="engines", ylabel=unit, title=title)
            counts = sorted({record["size"] for record in records})
            axes.xaxis.set_major_locator(ticker.FixedLocator(counts))
            axes.xaxis.set_major_formatter(ticker.FixedFormatter([str(count) for count in counts]))
            axes.xaxis.set_minor_locator(ticker.NullLocator())
            axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
            axes.yaxis.set_minor_locator(ticker.NullLocator())
        figure.tight_layout()
        return figure

    def _ratios(self):
        records = [record for record in self._figures if record["contestant"] == OURS and "best_peer" in record][::-1]
        if not records:
            return None
        figure, panels = pyplot.subplots(1, 2, figsize=(11, 0.25 * len(records) + 1), sharey=True)
        places = range(len(records))
        costs = [record.get("to_limit") for record in records]
        panels[0].barh([place for place, cost in zip(places, costs) if cost], [cost - 1 for cost in costs if cost], left=1,
                       color="#7890a8")
        panels[0].set(xscale="log", title="cost over the limit's (1: as good as the machine)", yticks=list(places),
                      yticklabels=[record["title"] for record in records])
        better = [record["better_than_peer"] for record in records]
        panels[1].barh(places, [value - 1 for value in better], left=1, color=["#2a9d4f" if value > 1 else COLOURS[OURS] for value in better])
        panels[1].set(xscale="log", title="how many times as good as the best peer")
        for place, record in zip(places, records):
            panels[1].annotate(f" {record['best_peer']}", (max(record["better_than_peer"], 1), place), va="center", fontsize=7)
        for axes in panels:
            axes.axvline(1, color="#444444", linewidth=0.8)
            axes.margins(y=0.01)
        figure.tight_layout()
        return figure
