"""What there is, by id: all objects of a cluster, seen from a client; the objects of a Python host, seen from code that runs in it."""
import collections.abc
import os
import sys

from .errors import CLASSES, error
from .refs import Id, resolve


class ObjectEngine(collections.abc.MutableMapping):
    """The objects of one process by their Ids, with counts of those who hold them.

    farhand.engine is one of these in code that runs in a Python host: there it has the objects that live in the host.
    """

    def __init__(self, eid=-1, nengines=0, hosted=None, empty=None):
        self.eid, self.nengines = eid, nengines
        self._empty = empty
        self.refcounts = {}
        self._own = {}
        self._hosted = {} if hosted is None else hosted  # id as bytes -> object, kept by the host
        self._known = {}  # id(object) -> Id, of those that were registered

    def __repr__(self):
        return f"<farhand {type(self).__name__} {self.eid}: {len(self)} objects>"

    def empty(self, shape, dtype=float):
        """An ndarray whose contents mean nothing.  In a Python host it lies in memory that the engine shares: a function that fills
        it and returns it (whole, not a view of a part) has given its result without a copy.  Small arrays, and those that other
        threads than the call's make, lie in the host's own memory, and so do all on a client.
        """
        import numpy

        return numpy.empty(shape, dtype) if self._empty is None else self._empty(shape, dtype)

    def register(self, obj):
        """An Id for an object of this process, which holds it until decref has been called as often."""
        key = self._known.get(id(obj))
        if key is None:
            key = self._known[id(obj)] = Id(os.urandom(16), self.eid)
        self[key] = obj
        return key

    def incref(self, key):
        self.refcounts[key] += 1

    def decref(self, key):
        """The object is forgotten when nobody holds it any more."""
        if self.refcounts[key] == 1:
            del self[key]
        else:
            self.refcounts[key] -= 1

    def __setitem__(self, key, obj):
        if key.engine != self.eid:
            raise error("INVALID_ARGUMENT", f"{key} cannot be set from here: fh.scatter brings objects to engines")
        if key in self._own and self._own[key] is not obj:
            raise error("INVALID_ARGUMENT", f"object id not unique: {key} is a {type(self._own[key]).__name__} already")
        self._own[key] = obj
        self.refcounts[key] = self.refcounts.get(key, 0) + 1

    def __getitem__(self, key):
        return self._own[key] if key in self._own or key.engine != self.eid else self._hosted[key.instance]

    def __delitem__(self, key):
        self._known.pop(id(self._own.pop(key)), None)
        del self.refcounts[key]

    def __iter__(self):
        yield from list(self._own)
        for instance in list(self._hosted):
            yield Id(instance, self.eid)

    def __len__(self):
        return len(self._own) + len(self._hosted)


class ObjectHub(ObjectEngine):
    """All objects of the cluster: a mapping of Ids to Refs, made by asking the registry; those of this process to themselves.

    incref, decref and del hold and let go: an object on an engine lives at least as long as it is held here.

    What has just been made shows as soon as its engine has told the broker.
    """

    def __init__(self):
        super().__init__(-1)

    @property
    def nengines(self):
        return len(self._session().engines)

    @nengines.setter
    def nengines(self, number):
        pass  # it is asked for

    @staticmethod
    def _session():
        from .session import current

        return current()

    @property
    def proxy_types(self):
        """Types whose values stay on the engines, and the classes of their proxies (None: made at run time)."""
        from .remote import registered
        from .remote_calls import proxied_types

        return {kind: registered(kind) for kind in proxied_types}

    @staticmethod
    def register_proxy_type(kind, proxy_class=None):
        from .remote import register_proxy_type

        register_proxy_type(kind, proxy_class)

    def _remote(self):
        """(Id, Ref) of all that is in the registry."""
        from .session import ALL_OBJECTS

        session = self._session()
        numbers = {engine.id: engine.number for engine in session.engines}
        return [(Id(ref.id, numbers[ref.engine]), ref) for ref in session.objects(ALL_OBJECTS) if ref.engine in numbers]

    def __getitem__(self, key):
        if key.engine == self.eid:
            return super().__getitem__(key)
        session = self._session()
        ref = session.object(key.instance)
        if ref is None or all(engine.id != ref.engine or engine.number != key.engine for engine in session.engines):
            raise KeyError(key)
        return ref

    def incref(self, key):
        """Hold an object once more: of this process, or one that lives on an engine and has a proxy here."""
        if key.engine != self.eid and key not in self.refcounts:
            try:
                self._own[key] = resolve(key)
            except CLASSES["Error"]:
                raise KeyError(key) from None
            self.refcounts[key] = 0
        super().incref(key)

    def __iter__(self):
        yield from self._local()
        for key, _ in self._remote():
            yield key

    def _local(self):
        return [key for key in list(self._own) if key.engine == self.eid]

    def items(self):
        return [*((key, self._own[key]) for key in self._local()), *self._remote()]

    def values(self):
        return [value for _, value in self.items()]

    def __len__(self):
        return len(self._local()) + int(self._session().sql("SELECT COUNT(*) AS n FROM objects")[0]["n"])


_hub = None


def engine():
    """The hub of a client; in a Python host its objects."""
    global _hub
    if _hub is None:
        running = getattr(sys.modules.get("_farhand_host"), "running", None)
        _hub = ObjectHub() if running is None else ObjectEngine(running.engine, running.nengines, running.objects, running.empty)
    return _hub
