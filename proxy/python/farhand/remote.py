"""Proxies of Python objects on engines: classes made from what their types have."""
import functools
import inspect
import weakref

from . import remote_wire
from .errors import checked_flag, error
from .refs import Id, Ref, resolve
from .remote_calls import proxied_types, python_side, run

_proxies = weakref.WeakValueDictionary()  # by ids of their objects
_OWN = frozenset(("block", "timeout", "prefer_local"))
_NO_FORWARD = frozenset(("__new__", "__init__", "__getattribute__", "__class__", "__reduce__", "__reduce_ex__", "__getattr__",
                         "__setattr__", "__delattr__", "__del__", "__dict__", "__weakref__", "__repr__", "__hash__", "__dir__",
                         "__module__", "__doc__", "__slots__", "__init_subclass__", "__subclasshook__", "__sizeof__",
                         "__getstate__", "__setstate__", "__copy__", "__deepcopy__"))


class _Shown:
    """A default value of a remote function, of which only the text is known."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


class Remote:
    """A proxy of a Python object on an engine.

    Calls of methods run there; attributes are got, set and deleted there.  Methods take block=False, which gives a Future, and
    timeout= in seconds.  They also take prefer_local=, and proxies have it as an attribute, for programs that say it: it changes nothing, since a
    method that ran on a copy here could change the copy instead of the object.  Names that begin with an underscore are never forwarded, special methods are those that the type has.
    """

    def __init__(self, obj):
        """Of an object here, which is copied to an engine, or of what another proxy, a Ref or an Id stands for."""
        held = resolve(obj) if isinstance(obj, (Ref, Id)) else obj
        if isinstance(held, Remote):
            _fill_like(self, held)
            cls = type(held)
        else:
            side = python_side()
            handle, key = _send(side, held, side.next_engine())
            _fill(self, side, handle, key)
            cls = _class_for(side, key, handle) if type(self) is Remote else None
        if type(self) is Remote:
            object.__setattr__(self, "__class__", cls)

    _name = None  # under which it was published
    _first = None  # of several proxies of the object
    _metadata = None  # what __farhand_metadata__ of the class has made of the object
    _prefers_local = False

    @property
    def prefer_local(self):
        return self._prefers_local

    @prefer_local.setter
    def prefer_local(self, value):
        object.__setattr__(self, "_prefers_local", checked_flag("prefer_local", value))

    def _invoke(self, name, args, kwargs, block=True, timeout=None, prefer_local=None):
        if prefer_local is not None:
            checked_flag("prefer_local", prefer_local)
        return run(self._side, f"{type(self)._remote_name}.{name}", ("method", False, name, args, kwargs),
                   receiver=self._handle, proxy=self, block=block, timeout=timeout)

    def _special(self, name, *args):
        return run(self._side, f"{type(self)._remote_name}.{name}", ("special", False, name, args), receiver=self._handle,
                   proxy=self)

    def _get(self, name):
        """The attribute; what is a function there is one here that calls it there."""
        return run(self._side, f"{type(self)._remote_name}.{name}", ("get", False, name), receiver=self._handle, proxy=self)

    @property
    def _engine(self):
        """Number of the engine where it lives."""
        return self._handle.engine

    @property
    def _id(self):
        """What fh.engine knows it by."""
        return Id(self._handle.id, self._handle.engine)

    @property
    def _ref(self):
        """A Ref that holds it."""
        return Ref(self)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}: names with an underscore are not forwarded")
        return self._get(name)

    def __setattr__(self, name, value):
        if name.startswith("_") or name == "prefer_local" and type(self).prefer_local is Remote.prefer_local:
            object.__setattr__(self, name, value)
            return
        run(self._side, f"{type(self)._remote_name}.{name} = ...", ("set", False, name, value), receiver=self._handle)

    def __delattr__(self, name):
        if name.startswith("_"):
            object.__delattr__(self, name)
            return
        run(self._side, f"del {type(self)._remote_name}.{name}", ("delete", False, name), receiver=self._handle)

    def __repr__(self):
        return f"<{type(self).__name__} on engine {self._handle.engine}, id {self._handle.id.hex()[:8]}>"

    def _repr_html_(self):
        """For notebooks, from the class: nothing is asked."""
        from .ipython import object_table

        return object_table(self)

    def __hash__(self):
        return hash(self._handle.id)

    def publish(self, name):
        """Let other clients get it by name (fh.get); it then outlives this session.  Returns the proxy.

        The object moves into a process of its engine's that all sessions share, where its calls run from then on, one
        after the other, whoever makes them.
        """
        return publish_object(self, name)

    def __copy__(self):
        return copy_of(self)

    def __deepcopy__(self, memo):
        return copy_of(self)

    def __reduce__(self):
        if self._name is not None:
            from .objects import get

            return get, (self._name,)
        raise error("NOT_SUPPORTED", f"{self!r} cannot be pickled but as an argument of a remote call: it belongs to its session; "
                                     "fh.gather gives the object itself")


def _fill(proxy, side, handle, key=()):
    object.__setattr__(proxy, "_side", side)
    object.__setattr__(proxy, "_handle", handle)
    if key[3:]:
        object.__setattr__(proxy, "_metadata", key[3])
    _proxies.setdefault(handle.id, proxy)


def _fill_like(proxy, other):
    """To be another proxy of the same object.  It keeps the first one, which is the one that is found by the id."""
    _fill(proxy, other._side, other._handle, (None, None, None, other._metadata))
    object.__setattr__(proxy, "_name", other._name)
    object.__setattr__(proxy, "_first", other._first or other)


def known_proxy(instance):
    """A proxy of the object with this id, if there is one in this process; else None."""
    return _proxies.get(instance)


def _wrap(cls, side, handle, key=()):
    proxy = cls.__new__(cls)
    _fill(proxy, side, handle, key)
    return proxy


def copy_of(proxy):
    """Another proxy of the same object."""
    made = type(proxy).__new__(type(proxy))
    _fill_like(made, proxy)
    return made


# ---- forwarders -----------------------------------------------------------------------------------------------------------------


def _signature(parameters):
    made = []
    for name, kind, default in parameters:
        made.append(inspect.Parameter(name, inspect._ParameterKind(kind),
                                      default=inspect.Parameter.empty if default is None else _Shown(default)))
    return inspect.Signature(made)


def _method(name, doc, parameters):
    taken = _OWN & {parameter[0] for parameter in parameters or ()}  # the remote function's own

    def method(self, /, *args, **kwargs):
        own = {key: kwargs.pop(key) for key in _OWN if key in kwargs and key not in taken}
        return self._invoke(name, args, kwargs, **own)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = doc
    if parameters is not None:
        try:
            method.__signature__ = _signature(parameters)
        except ValueError:
            pass  # parameters that no Python function could have
    return method


def bound_method(proxy, described):
    """A method that only this object has, as described.py describes it."""
    name, doc, parameters = described
    return _method(name, doc, parameters).__get__(proxy)


def _attribute(name, doc):
    return property(lambda self: self._get(name), lambda self, value: Remote.__setattr__(self, name, value),
                    lambda self: Remote.__delattr__(self, name), doc)


def _special_method(name, doc):
    def method(self, *args):
        return self._special(name, *args)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = doc
    return method


def _iter(self):
    """The remote iterator, items fetched ahead of their use: few at first, then many."""
    side = self._side
    what = f"{type(self)._remote_name}.__iter__"
    call = remote_wire.Call(("special", False, "__iter__", ()), self._handle)
    iterator, _ = side.wait(self._handle.host, what, call, keep=True)
    count, more = 1, True
    while more:
        items, more = run(side, what, ("take", False, count), receiver=iterator)
        yield from items
        count = min(2 * count, 256)


def _exit(self, kind, problem, trace):
    return self._special("__exit__", kind, problem, None)  # tracebacks cannot travel


def _call(self, /, *args, block=True, timeout=None, prefer_local=None, **kwargs):
    return self._invoke("__call__", args, kwargs, block, timeout, prefer_local)


def _joined(self, function, types, args, kwargs):
    """NumPy's concatenate and expand_dims, for types that have methods of these names."""
    def concatenate(items, axis=0):
        return items[0].concatenate(list(items[1:]), axis)

    def expand_dims(a, axis):
        return a.expand_dims(axis)

    for mine in (concatenate, expand_dims):
        if function.__name__ == mine.__name__ and hasattr(type(self), mine.__name__):
            return mine(*args, **kwargs)
    return NotImplemented


_JOINED = frozenset(("concatenate", "expand_dims"))
_SPECIAL_FORMS = {"__iter__": _iter, "__exit__": _exit, "__call__": _call}


def _forwarders(attributes, special):
    made = {}
    for name, (is_method, doc, parameters) in attributes.items():
        made[name] = _method(name, doc, parameters) if is_method else _attribute(name, doc)
    for name, doc in special.items():
        made[name] = _SPECIAL_FORMS.get(name) or _special_method(name, doc)
    return made


# ---- classes --------------------------------------------------------------------------------------------------------------------

_registered = {}  # (module, qualified name) of a type -> class of its proxies


def _generate(description):
    """Remote<Type>."""
    key, name, module, doc, attributes, special = description
    made = _forwarders(attributes, special)
    made.update(__module__=module, __doc__=doc, _remote_name=name, __hash__=Remote.__hash__)
    if not _JOINED.isdisjoint(attributes):
        made["__array_function__"] = _joined
    for own in ("_invoke", "_special", "_get", "_engine", "_id", "_ref", "_side", "_handle", "_name", "_metadata", "_first", "_prefers_local"):
        made.pop(own, None)
    return type(f"Remote{name}", (Remote,), made)


def registered(kind):
    """The class of proxies that was registered for a type; None if there is none."""
    return _registered.get((kind.__module__, kind.__qualname__))


def _class_for(side, key, handle):
    """The class of proxies for a type of a host, described by it the first time."""
    known = _registered.get(key[:2]) or side.classes.get((handle.host, key[:3]))
    if known is None:
        description = run(side, "describe", ("describe", True), receiver=handle)
        known = side.generated.get(repr(description[1:]))
        if known is None:
            known = side.generated[repr(description[1:])] = _generate(description)
        side.classes[handle.host, key[:3]] = known
    return known


def proxy_of(side, handle, key):
    return _wrap(_class_for(side, key, handle), side, handle, key)


def _what(obj):
    return f"scatter of a {type(obj).__name__}"[:200]


def _send(side, obj, host):
    side.greet(host)
    return side.wait(host, _what(obj), remote_wire.Call(("make", False, obj)), keep=True)


def scatter_object(obj, engine=None, name=None):
    """One object to one engine; a proxy of it."""
    side = python_side()
    number = side.next_engine() if engine is None else engine
    handle, key = _send(side, obj, number if name is None else ~number)
    proxy = proxy_of(side, handle, key)
    return proxy if name is None else publish_object(proxy, name)


def publish_object(proxy, name):
    if proxy._handle.host >= 0:
        handle, key = _send(proxy._side, gather_object(proxy), ~proxy._handle.engine)
        handle.publish(name)
        _fill(proxy, proxy._side, handle, key)
    else:
        proxy._handle.publish(name)
    object.__setattr__(proxy, "_name", name)
    return proxy


def published_object(session, name):
    """A proxy of the object that is published under a name."""
    side = python_side(session)
    there = session._native.python_get(name)
    side.greeted.pop(there.host, None)  # it may be another process than the one that was greeted
    side.greet(there.host)
    handle, key = side.wait(there.host, f"get of {name}"[:200], remote_wire.Call(("value", True), there), keep=True)
    proxy = proxy_of(side, handle, key)
    object.__setattr__(proxy, "_name", name)
    return proxy


def scatter_objects(objects, numbers):
    """Each object to the engine with its number; what goes wrong with any is raised when all have been sent."""
    side = python_side()
    sent = []
    keys = {}
    for obj, number in zip(objects, numbers):
        side.greet(number)
        call = remote_wire.Call(("make", False, obj))
        if (number, type(obj)) not in keys:  # the first of its type tells what it is called over there
            handle, keys[number, type(obj)] = side.wait(number, _what(obj), call, keep=True)
            sent.append((handle, number, type(obj), None))
        else:
            handle, future = side.submit(number, _what(obj), call, keep=True)
            sent.append((handle, number, type(obj), future))
    for _, _, _, future in sent:
        if future is not None:
            future.result()
    return [proxy_of(side, handle, keys[number, kind]) for handle, number, kind, _ in sent]


def gather_object(proxy):
    """A copy of the object."""
    return run(proxy._side, f"gather of a {type(proxy)._remote_name}", ("value", True), receiver=proxy._handle)


Remote._remote_name = "object"


def _proxied_names(base, cls, include, exclude, supers):
    """What proxy_methods forwards: not what cls or bases before base define themselves."""
    own = set(vars(cls))
    for other in cls.__mro__[1:]:
        if other is base:
            break
        own |= set(vars(other))
    include = None if include is True else set(include or ())
    names = set()
    for kind in base.__mro__ if supers else (base,):
        if kind is object:
            continue
        for name in vars(kind):
            hidden = name.startswith("_") and include is not None and name not in include
            if not hidden and name not in _NO_FORWARD and name not in set(exclude or ()) and name not in own:
                names.add(name)
    return names


def proxy_methods(base, include_underscore=None, exclude=None, supers=True):
    """Class decorator: proxies of base get its methods and attributes, and remote values of type base stay where they are.

        @fh.proxy_methods(Base, include_underscore=("__len__",))
        class RemoteBase(fh.Remote, Base): ...

    include_underscore: names with an underscore that are forwarded, too; True: all.  exclude: names that are not.
    supers: also what base inherits.  A static method __farhand_metadata__(obj) of the class runs where an object is made; what it
    returns is the proxy's _metadata.  Methods concatenate(others, axis) and expand_dims(axis) serve NumPy's functions of these names.
    """
    def decorate(cls):
        if not (isinstance(cls, type) and cls.__mro__[1:2] and issubclass(cls.__bases__[0], Remote)):
            raise error("WRONG_TYPE", f"the first base of {cls!r} must be farhand.Remote, or derived from it")
        for name in _proxied_names(base, cls, include_underscore, exclude, supers):
            attribute = getattr(base, name, None)
            doc = getattr(attribute, "__doc__", None)
            if name in _SPECIAL_FORMS:
                setattr(cls, name, _SPECIAL_FORMS[name])
            elif name.startswith("__") and name.endswith("__"):
                setattr(cls, name, _special_method(name, doc))
            elif callable(attribute) and not isinstance(attribute, type):
                forwarder = functools.wraps(attribute, updated=())(_method(name, doc, None)) if inspect.isfunction(attribute) \
                    else _method(name, doc, None)
                setattr(cls, name, forwarder)
            else:
                setattr(cls, name, _attribute(name, doc if isinstance(attribute, property) else None))
        if any(hasattr(cls, name) for name in _JOINED) and not hasattr(cls, "__array_function__"):
            cls.__array_function__ = _joined
        if cls.__hash__ is None:
            cls.__hash__ = Remote.__hash__
        cls._remote_name = base.__name__
        register_proxy_type(base, cls)
        return cls

    return decorate


def register_proxy_type(kind, proxy_class=None):
    """From now on remote results of this type stay on their engine, and come back as proxies (of proxy_class)."""
    if not isinstance(kind, type):
        raise error("WRONG_TYPE", f"{kind!r} is not a type")
    if proxy_class is not None:
        _registered[kind.__module__, kind.__qualname__] = proxy_class
    if kind not in proxied_types:
        proxied_types.append(kind)
