"""A Python host of an engine as a scheduler sees it."""
from .remote_calls import is_first, number_of

NEW, GREETING, READY, DEAD = "new", "greeting", "ready", "dead"  # dead: it cannot run calls, problem says why


class Slot:
    """A Python host of an engine: what was sent there, and what it has to offer."""

    __slots__ = ("host", "state", "problem", "sent", "cost", "functions", "tags", "resources", "used", "last")

    def __init__(self, host):
        self.host = host
        self.state, self.problem = NEW, None
        self.sent = {}  # Sent -> None, in their order
        self.cost = 0.0  # seconds that these should take
        self.functions = set()  # digests of those that it knows
        self.tags, self.resources = frozenset(), {}
        self.used = {}  # resources that calls under way have taken
        self.last = 0.0  # when an answer came

    def __str__(self):
        tags = f" with the tags {', '.join(sorted(self.tags))}" if self.tags else ""
        return f"engine {self.number}{tags}" + "".join(f", {amount:g} of {name!r}" for name, amount in self.resources.items())

    @property
    def number(self):
        """Of the engine."""
        return number_of(self.host)

    @property
    def first(self):
        """May it have calls with objects and arrays?"""
        return is_first(self.host)

    def beside(self, host):
        """A further host of the same engine: what calls take of its resources they share."""
        other = Slot(host)
        other.tags, other.resources, other.used = self.tags, self.resources, self.used
        return other

    def offer(self, engine):
        """What the broker says of it."""
        self.tags, self.resources = engine.tags, engine.resources

    def forget(self):
        """Its host has ended: the next one knows nothing."""
        self.functions.clear()
        if self.state == READY:
            self.state = NEW

    def can_take(self, resources):
        used = self.used
        return all(used.get(name, 0) + amount <= self.resources.get(name, 0) for name, amount in resources.items())

    def take(self, sent, resources):
        self.sent[sent] = None
        self.cost += sent.cost
        for name, amount in resources.items():
            self.used[name] = self.used.get(name, 0) + amount

    def give(self, sent, resources):
        del self.sent[sent]
        self.cost = self.cost - sent.cost if self.sent else 0.0
        for name, amount in resources.items():
            self.used[name] -= amount
