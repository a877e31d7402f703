"""Functions in LLVM's IR that stand between what engines call and what Numba compiles.

Numba's own convention is i32 f(result *, exception **, arguments...): an array is seven or more arguments (two owners, count,
itemsize, data, shape, strides), and a result other than 0 says that something was raised.
"""
import math
import re

# struct fh_array of farhand_kernel.h: bytes from its beginning, and its size.
_SHAPE, _STRIDES, _HALO, _SIZE = 16, 272, 1040, 1552
_MAX_DIMS = 32


def public_name(name, taken=()):
    """A Python function's name as a symbol that no library function has."""
    name = re.sub(r"\W", "_", name).strip("_") or "kernel"
    if hasattr(math, name) or name[0].isdigit():
        name += "_kernel"
    while name in taken:
        name += "_"
    return name[:100]


class Entry:
    """The text of one function that calls native, the function of that name in module."""

    def __init__(self, module, native, result):
        """result: the IR type that native stores behind its first argument; None: nothing of use."""
        self.native = native
        self.types = [str(argument.type) for argument in module.get_function(native).arguments]
        self.opaque = "ptr" in self.types
        self.result = result
        self.lines = []
        self.values = []
        self.declarations = {f'declare i32 @"{native}"({", ".join(self.types)})'}
        self._count = 0

    def pointer(self, kind):
        return "ptr" if self.opaque else f"{kind}*"

    def emit(self, text):
        """A line that makes a value; its name."""
        self._count += 1
        self.lines.append(f"  %v{self._count} = {text}")
        return f"%v{self._count}"

    def at(self, base, offset, kind):
        """Address of something of that type, offset bytes (a number or a value) behind base."""
        moved = self.emit(f"getelementptr i8, {self.pointer('i8')} {base}, i64 {offset}")
        return moved if self.opaque or kind == "i8" else self.emit(f"bitcast i8* {moved} to {kind}*")

    def load(self, base, offset, kind):
        return self.emit(f"load {kind}, {self.pointer(kind)} {self.at(base, offset, kind)}")

    def argument(self, value):
        """The next argument of the call."""
        self.values.append(value)

    def next_type(self):
        return self.types[2 + len(self.values)]

    def call(self):
        """The call itself; the value of its status.  The result then lies behind self.place."""
        cell = self.result or self._pointee(self.types[0])
        self.place = self.emit(f"alloca {cell}")
        exception = self.emit(f"alloca {self._pointee(self.types[1])}")
        values = ", ".join(f"{kind} {value}" for kind, value in zip(self.types, [self.place, exception, *self.values]))
        return self.emit(f'call i32 @"{self.native}"({values})')

    def _pointee(self, kind):
        return kind if self.opaque else kind[:-1]

    def text(self, head):
        """head: "define void @f(...)"; a function of all lines so far."""
        return "\n".join([*sorted(self.declarations), f"{head} {{", "entry:", *self.lines, "}"]) + "\n"


def trapping(module, native, name, result):
    """`result name(arguments...)`, all as native takes them; what native raises becomes a trap."""
    entry = Entry(module, native, result)
    parameters = [f"{kind} %a{i}" for i, kind in enumerate(entry.types[2:])]
    for i in range(len(parameters)):
        entry.argument(f"%a{i}")
    status = entry.call()
    entry.declarations.add("declare void @llvm.trap()")
    failed = entry.emit(f"icmp ne i32 {status}, 0")
    entry.lines += [f"  br i1 {failed}, label %raised, label %done", "raised:", "  call void @llvm.trap()", "  unreachable", "done:"]
    if result is None:
        entry.lines.append("  ret void")
    else:
        loaded = entry.emit(f"load {result}, {entry.pointer(result)} {entry.place}")
        entry.lines.append(f"  ret {result} {loaded}")
    return entry.text(f"define {result or 'void'} @{name}({', '.join(parameters)})")


def over_arrays(module, native, name, operands, result, with_halo):
    """`i32 name(fh_array *args, i32 count)`: an array kernel, or a gufunc, around native.

    operands: for each (dimensions that native's array has, or None for a number; dimensions that the engines' array has;
    itemsize).  An input that comes with a halo is passed with it: longer by what there is on either side.  with_halo: one
    more argument, the array [operand, axis, side] of the halos' widths.
    """
    entry = Entry(module, native, result)
    for i, operand in enumerate(operands):
        _unpack(entry, i * _SIZE, *operand)
    if with_halo:
        _halo_array(entry, len(operands))
    entry.lines.append(f"  ret i32 {entry.call()}")
    return entry.text(f"define i32 @{name}({entry.pointer('i8')} %args, i32 %count)")


def _unpack(entry, offset, ndim, core, itemsize):
    array = entry.at("%args", offset, "i8")
    data = entry.load(array, 0, entry.pointer("i8"))
    if ndim is None:
        entry.argument(entry.load(data, 0, entry.next_type()))
        return
    shape, strides, items = [], [], "1"
    for axis in range(ndim):
        extent, stride = "1", str(itemsize)
        if axis < core:
            stride = entry.load(array, _STRIDES + 8 * axis, "i64")
            low = entry.load(array, _HALO + 16 * axis, "i64")
            high = entry.load(array, _HALO + 16 * axis + 8, "i64")
            extent = entry.load(array, _SHAPE + 8 * axis, "i64")
            extent = entry.emit(f"add i64 {entry.emit(f'add i64 {extent}, {low}')}, {high}")
            back = entry.emit(f"sub i64 0, {entry.emit(f'mul i64 {low}, {stride}')}")
            data = entry.at(data, back, "i8")
        shape.append(extent)
        strides.append(stride)
        items = entry.emit(f"mul i64 {items}, {extent}")
    _pass_array(entry, data, items, itemsize, shape, strides)


def _halo_array(entry, operands):
    _pass_array(entry, entry.at("%args", _HALO, "i8"), str(operands * _MAX_DIMS * 2), 8,
                [str(operands), str(_MAX_DIMS), "2"], [str(_SIZE), "16", "8"])


def _pass_array(entry, data, items, itemsize, shape, strides):
    entry.argument("null")
    entry.argument("null")
    entry.argument(items)
    entry.argument(str(itemsize))
    kind = entry.next_type()
    entry.argument(data if kind in ("ptr", "i8*") else entry.emit(f"bitcast i8* {data} to {kind}"))
    for number in (*shape, *strides):
        entry.argument(number)
