"""numpy.einsum: as views, sums and products of matrices, in the order that NumPy's einsum_path finds."""
import operator

import numpy as np

from . import shaping
from .diagonals import diagonal
from .errors import error
from .errstate import silent
from .joining import _session_of, remote
from .products import _multiplied, _product
from .reductions import deliver
from .ufuncs import call

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _as_text(operands):
    """The other way to call it, einsum(a, [0, 1], b, [1, 2], [0, 2]), as subscripts and operands."""
    operands, lists = list(operands), []
    arrays = []
    while len(operands) > 1:
        arrays.append(operands.pop(0))
        lists.append(operands.pop(0))
    text = ",".join(map(_letters, lists))
    if operands:
        text += "->" + _letters(operands[0])
    return text, arrays


def _letters(labels):
    """The subscripts that a list of numbers stands for."""
    found = ["..." if i is Ellipsis else operator.index(i) for i in labels]
    if any(i != "..." and not 0 <= i < len(_LETTERS) for i in found):
        raise error("INVALID_ARGUMENT", "subscript is not within the valid range [0, 52)")
    return "".join(i if i == "..." else _LETTERS[i] for i in found)


def _parsed(subscripts, shapes):
    """Letters of each operand and of the result, the axes behind ... with letters of their own."""
    text = subscripts.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    inputs = inputs.split(",")
    if len(inputs) != len(shapes):
        raise error("INVALID_ARGUMENT", "einsum: as many subscripts as operands are needed")
    free = [letter for letter in reversed(_LETTERS) if letter not in text]
    hidden = [len(shape) - len(part.replace("...", "")) if "..." in part else 0 for part, shape in zip(inputs, shapes)]
    if any(n < 0 for n in hidden):
        raise error("INVALID_ARGUMENT", "einstein sum subscripts string contains too many subscripts for an operand")
    most = "".join(free[:max(hidden, default=0)])
    inputs = [part.replace("...", most[len(most) - n:]) for part, n in zip(inputs, hidden)]
    if arrow:
        output = output.replace("...", most)
    else:
        letters = "".join(inputs)
        output = most + "".join(sorted(x for x in set(letters) if letters.count(x) == 1 and x not in most))
    for part, shape in zip(inputs, shapes):
        if len(part) != len(shape):
            raise error("INVALID_ARGUMENT", f"einsum: subscripts {part!r} do not fit an operand of {len(shape)} dimensions")
    if len(set(output)) != len(output) or any(letter not in "".join(inputs) for letter in output):
        raise error("INVALID_ARGUMENT", f"einsum: output subscripts {output!r} must be different letters of the inputs")
    if any(letter not in _LETTERS for letter in "".join(inputs)):
        raise error("INVALID_ARGUMENT", f"einsum: invalid subscripts {subscripts!r}")
    return inputs, output


def _extents(inputs, shapes):
    sizes = {}
    for part, shape in zip(inputs, shapes):
        for letter, extent in zip(part, shape):
            if sizes.setdefault(letter, extent) != extent:
                if 1 not in (sizes[letter], extent):
                    raise error("INVALID_ARGUMENT", f"einsum: {letter!r} is {sizes[letter]} in one operand and {extent} in another")
                sizes[letter] = max(sizes[letter], extent)
    return sizes


def _diagonals(x, letters):
    """Repeated letters of one operand: only the diagonal counts; an axis of extent 1 is stretched to the other's."""
    for letter in sorted(set(letters)):
        while letters.count(letter) > 1:
            i = letters.index(letter)
            j = letters.index(letter, i + 1)
            if x.shape[i] == x.shape[j]:
                x = diagonal(x, 0, i, j)
                letters = letters.replace(letter, "", 2) + letter
            else:
                flat = i if x.shape[i] == 1 else j
                x = x[(slice(None),) * flat + (0,)]
                letters = letters[:flat] + letters[flat + 1:]
    return x, letters


def _summed(x, letters, kept):
    """Without the axes whose letters nobody needs."""
    gone = tuple(i for i, letter in enumerate(letters) if letter not in kept)
    if gone:
        x = x.sum(gone, dtype=x.dtype)
    return x, "".join(letter for letter in letters if letter in kept)


def _turned(x, letters, order):
    """Axes in the order of letters; those that x lacks have extent 1."""
    present = [letter for letter in order if letter in letters]
    x = shaping.transpose(x, [letters.index(letter) for letter in present]) if present else x
    return x[tuple(slice(None) if letter in letters else None for letter in order)]


def _pair(a, first, b, second, kept, sizes):
    """Two operands to one: a product of matrices over the letters that both have and nobody needs later."""
    a, first = _summed(a, first, kept | set(second))
    b, second = _summed(b, second, kept | set(first))
    both = [x for x in first if x in second]
    stack = [x for x in both if x in kept]
    summed = [x for x in both if x not in kept]
    rows = [x for x in first if x not in both]
    columns = [x for x in second if x not in both]
    letters = stack + rows + columns
    if not summed:
        return call("multiply", (_turned(a, first, letters), _turned(b, second, letters))), "".join(letters)
    for letter in summed:  # one of them may be stretched
        a = _stretched(a, first, letter, sizes)
        b = _stretched(b, second, letter, sizes)
    a, b = _turned(a, first, stack + rows + summed), _turned(b, second, stack + summed + columns)
    n = len(stack)
    inner = _product(sizes[x] for x in summed)
    left = a.reshape(a.shape[:n] + (_product(a.shape[n:n + len(rows)]), inner))
    right = b.reshape(b.shape[:n] + (inner, _product(b.shape[n + len(summed):])))
    product = _multiplied(left, right)
    return product.reshape(product.shape[:n] + a.shape[n:n + len(rows)] + b.shape[n + len(summed):]), "".join(letters)


def _stretched(x, letters, letter, sizes):
    i = letters.index(letter)
    if x.shape[i] == sizes[letter]:
        return x
    return shaping.spread(x, x.shape[:i] + (sizes[letter],) + x.shape[i + 1:])


def _path(inputs, output, sizes, optimize):
    """Which operands meet, step by step."""
    if len(inputs) < 3:
        return [tuple(range(len(inputs)))]
    shapes = [np.broadcast_to(np.empty(()), tuple(sizes[letter] for letter in part)) for part in inputs]
    how = "greedy" if optimize in (False, True) else optimize
    return [step for step in np.einsum_path(",".join(inputs) + "->" + output, *shapes, optimize=how)[0][1:]]


@silent
def einsum(*operands, out=None, dtype=None, order="K", casting="safe", optimize=False):
    """numpy.einsum over remote arrays."""
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], list(operands[1:])
    else:
        subscripts, arrays = _as_text(operands)
    session = _session_of(arrays)
    arrays = [remote(x, session) for x in arrays]
    inputs, output = _parsed(subscripts, [x.shape for x in arrays])
    sizes = _extents(inputs, [x.shape for x in arrays])
    target = np.dtype(dtype) if dtype is not None else np.result_type(*(x.dtype for x in arrays))
    terms = [_diagonals(x if x.dtype == target else x.astype(target, casting=casting), part) for x, part in zip(arrays, inputs)]
    for step in _path([letters for _, letters in terms], output, sizes, optimize):
        chosen = [terms[i] for i in step]
        terms = [term for i, term in enumerate(terms) if i not in step]
        kept = set(output).union(*(letters for _, letters in terms))
        while len(chosen) > 1:
            (a, first), (b, second) = chosen[:2]
            needed = kept.union(*(letters for _, letters in chosen[2:]))
            chosen = [_pair(a, first, b, second, needed, sizes)] + chosen[2:]
        terms.append(chosen[0])
    x, letters = _summed(*terms[0], set(output))
    x = _turned(x, letters, output)
    shape = tuple(sizes[letter] for letter in output)
    if x.shape != shape:
        x = shaping.spread(x, shape)
    x = x if x.dtype == target else x.astype(target)
    return deliver(x.copy() if any(x is y for y in arrays) else x, out, casting)
