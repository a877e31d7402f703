"""Names of objects: Ids, and Refs, which also say what their objects are."""
from typing import NamedTuple

from .errors import error


class Id(NamedTuple):
    """An object's name in the cluster.  instance: 16 bytes, never used again; engine: its engine's number, -1: this process."""

    instance: bytes
    engine: int

    def __repr__(self):
        return f"<Id {self.instance.hex()[:8]} on {'this process' if self.engine < 0 else f'engine {self.engine}'}>"


class Ref:
    """An object by its id, and what is known of it.  Arguments of remote calls may be Refs: functions get the objects.

    Ref(x) of a proxy, of an array in one piece or of a Ref holds the object: it lives at least as long.  Ref(x) of any other object
    registers it in fh.engine of this process for as long.  What Session.objects and fh.engine list are records, which
    hold nothing.  Two Refs are equal if their ids are.

    id: 16 bytes; type: "array", "kernel" or "python"; dtype, shape: of arrays; metadata: what __farhand_metadata__ of its
    proxies' class has made of it; name: under which it is published; owner: session id; engine: engine id, b"": this process;
    bytes; age in seconds.
    """

    __slots__ = ("id", "type", "dtype", "shape", "name", "owner", "engine", "bytes", "age", "metadata", "_held", "_key")

    def __init__(self, obj):
        from .array import Array
        from .remote import Remote

        self._held, self._key = obj, None
        if isinstance(obj, Ref):
            self._set(*obj._record())
            self._held, self._key = resolve(obj), obj._key
            if self._key is not None:
                _hub().incref(self._key)
        elif isinstance(obj, Remote):
            self._set(obj._id.instance, "python", None, (), obj._name or "", b"", obj._side.engine_id(obj._engine), 0, 0.0, obj._metadata)
        elif isinstance(obj, Array):
            if obj.npieces != 1:
                raise error("WRONG_TYPE", f"an array in {obj.npieces} pieces is as many objects: make Refs of x.pieces")
            instance, engine_id = obj._handle.piece(0)[:2]
            self._set(instance, "array", obj.dtype, obj.shape, "", b"", engine_id, obj.nbytes, 0.0, None)
        else:
            self._key = _hub().register(obj)
            self._set(self._key.instance, "python", None, (), "", b"", b"", 0, 0.0, _metadata(obj))

    def _set(self, *values):
        for name, value in zip(_RECORD, values):
            setattr(self, name, value)

    def _record(self):
        return tuple(getattr(self, name) for name in _RECORD)

    @classmethod
    def _of_record(cls, *values):
        """A Ref that holds nothing.  values: the attributes up to metadata."""
        self = cls.__new__(cls)
        self._set(*values)
        self._held = self._key = None
        return self

    def __del__(self):
        if getattr(self, "_key", None) is not None and _hub is not None:
            _hub().decref(self._key)

    def __repr__(self):
        what = type(self._held).__name__ if self.type == "python" and self._held is not None else self.type
        form = f" {self.dtype}{list(self.shape)}, {self.bytes} bytes" if self.type == "array" else ""
        return f"<Ref {self.id.hex()[:8]} {what}{form}{f', name={self.name!r}' if self.name else ''}>"

    def __eq__(self, other):
        return self.id == other.id if isinstance(other, Ref) else NotImplemented

    def __hash__(self):
        return hash(self.id)

    def __reduce__(self):
        return Ref._of_record, self._record()


_RECORD = Ref.__slots__[:10]


def _hub():
    from .hub import engine

    return engine()


def _metadata(obj):
    from .remote_calls import metadata_of

    make = metadata_of(type(obj))
    return None if make is None else make(obj)


def resolve(name):
    """The proxy, array or object of this process that a Ref or an Id names, as long as somebody here holds it."""
    from .remote import known_proxy

    instance, held = (name.id, name._held) if isinstance(name, Ref) else (name.instance, None)
    if held is not None:
        return held
    proxy = known_proxy(instance)
    if proxy is not None:
        return proxy
    hub = _hub()
    key = Id(instance, hub.eid)
    if key in hub._own:
        return hub._own[key]
    raise error("NO_SUCH_OBJECT", f"no proxy of this process is of object {instance.hex()[:8]}: it is gone, or belongs to another "
                                  "session; fh.get finds what is published")
