"""The answer to a call that came from the engine: what stays here, where arrays go, and the pickle."""
import os
import types

import _pyhost
from _farhand_host.values import CONTAINERS, PLAIN, dumps, is_array, name_of


class Answer:
    """The lists of an answer: objects and arrays that were made, and the pickle that refers to them by their places.

    Arrays: the pickle's out-of-band buffers, then those that stay here, the first of them last; then the pickle, if it is large.
    """

    def __init__(self, host, serial):
        self.host, self.serial = host, serial
        self.objects, self.arrays, self.stays, self.kept = [], [], {}, []
        self.keeps = True  # generators stay; where calls may run anywhere, nothing but registered types does
        self.seen = set()  # containers, by identity: one may hold itself

    def collect(self, value, by_value):
        """Find what stays here, in containers at any depth."""
        kind = type(value)
        if kind in PLAIN or id(value) in self.stays:
            return
        if not by_value and len(self.arrays) < _pyhost.ARRAYS // 2 and is_array(value):
            place = ("a", len(self.arrays))
            self.stays[id(value)] = place if value.dtype.names is None else (*place, value.dtype)
            self.arrays.append((value, name_of(value.dtype), value.shape))
        elif self.host.proxied and isinstance(value, self.host.proxied) or kind is types.GeneratorType and self.keeps and not by_value:
            self.stays[id(value)] = ("o", len(self.objects), self.host.key_of(value))
            self.objects.append(os.urandom(16))
            self.kept.append(value)
        elif kind in CONTAINERS or issubclass(kind, tuple) and kind.__iter__ is tuple.__iter__:
            if id(value) in self.seen:
                return
            self.seen.add(id(value))
            items = value.values() if issubclass(kind, dict) else value
            if PLAIN.issuperset(map(type, items)):
                return
            for item in items:
                self.collect(item, by_value)

    def send(self, outcome, text, answer):
        buffers = []
        body = dumps(answer, self.stays, buffers)
        entries = [(buffer.raw(), "uint8", None) for buffer in buffers] + self.arrays[::-1]
        if len(body) > _pyhost.BODY:
            entries.append((memoryview(body), "uint8", None))
            body = None
        _pyhost.answer(self.serial, outcome, text, self.objects, self._place(entries), body)
        self.host.objects.update(zip(self.objects, self.kept))

    def _place(self, entries):
        """Small arrays go along, large ones into memory of the engine's, where some have been made already."""
        room = _pyhost.INLINE
        made, large = [], []
        for value, dtype, shape in entries:
            size = value.nbytes
            entry = [os.urandom(16), _made_in_place(value), dtype, (size,) if shape is None else shape, size, None]
            if entry[1]:
                pass
            elif size <= room:
                room -= size
                entry[5] = value.tobytes()
            else:
                large.append((value, size, entry))
            made.append(entry)
        if large:
            for memory, (value, size, entry) in zip(_pyhost.want([size for _, size, _ in large]), large):
                if isinstance(value, memoryview):
                    memoryview(memory)[:size] = value.cast("B")
                    entry[1] = memory.hand_over()
                else:
                    import numpy

                    copy = numpy.ndarray(value.shape, value.dtype, memory)
                    numpy.copyto(copy, value)
                    entry[1] = _made_in_place(copy)
        return [tuple(entry) for entry in made]


def _made_in_place(value):
    """The number of the engine's memory that an array fills from its beginning; 0: it lies elsewhere."""
    base = value
    while is_array(base):
        base = base.base
    if base is value or not isinstance(base, _pyhost.Mapping) or not value.flags.c_contiguous:
        return 0
    return base.hand_over(value.__array_interface__["data"][0], value.nbytes)
