"""What a client is told of a type, so that it can make proxies of its values."""
from _farhand_host.values import type_key

_SPECIAL = frozenset(
    "__len__ __getitem__ __setitem__ __delitem__ __iter__ __next__ __reversed__ __contains__ __call__ __enter__ __exit__ __bool__ "
    "__int__ __float__ __complex__ __index__ __round__ __trunc__ __floor__ __ceil__ __abs__ __neg__ __pos__ __invert__ __eq__ __ne__ "
    "__lt__ __le__ __gt__ __ge__ __str__ __format__ __bytes__ __divmod__ __rdivmod__ __length_hint__".split()
    + [f"__{prefix}{name}__" for prefix in ("", "r", "i") for name in
       "add sub mul truediv floordiv mod pow matmul lshift rshift and or xor".split()])


def _parameters(function):
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(p.name, int(p.kind), None if p.default is p.empty else repr(p.default)[:200]) for p in parameters]


def describe_method(name, function):
    doc = getattr(function, "__doc__", None)
    return name, doc if isinstance(doc, str) else None, _parameters(function)


def describe(value):
    """(key, name, module, doc, attributes, special methods): attributes are name -> (is a method, doc, parameters)."""
    kind = type(value)
    attributes, special = {}, {}
    for base in reversed(kind.__mro__):
        for name in vars(base):
            attribute = getattr(kind, name, None)
            if name in _SPECIAL and base is not object and attribute is not None:
                special[name] = getattr(attribute, "__doc__", None)
            elif not name.startswith("_"):
                method = callable(attribute) and not isinstance(attribute, type)
                attributes[name] = (method, getattr(attribute, "__doc__", None) if method or isinstance(attribute, property) else None,
                                    _parameters(attribute) if method else None)
    for name in getattr(value, "__dict__", ()):
        if isinstance(name, str) and not name.startswith("_"):
            attributes.setdefault(name, (False, None, None))
    return type_key(kind), kind.__name__, kind.__module__, kind.__doc__, attributes, special
