"""signature= of ufuncs: the loop that is asked for by the dtypes of its operands."""
import numpy as np

from .errors import error


def _dtypes(ufunc, signature):
    """A dtype, or None for any, of each operand."""
    if isinstance(signature, str):
        inputs, arrow, outputs = signature.partition("->")
        if not arrow or (len(inputs), len(outputs)) != (ufunc.nin, ufunc.nout):
            raise error("INVALID_ARGUMENT", f"a type-string for {ufunc.__name__}, {ufunc.nin} typecode(s) before and {ufunc.nout} after the -> sign")
        signature = tuple(inputs + outputs)
    if not isinstance(signature, tuple):
        raise error("WRONG_TYPE", "the signature object to ufunc must be a string or a tuple.")
    if len(signature) != ufunc.nin + ufunc.nout:
        raise error("INVALID_ARGUMENT", f"a type-tuple must be specified of length {ufunc.nin + ufunc.nout} for ufunc '{ufunc.__name__}'")
    return [None if part is None else np.dtype(part) for part in signature]


def _loop(ufunc, wanted):
    """Dtypes of the operands of the first loop that has those that are wanted."""
    for types in ufunc.types:
        found = [np.dtype(letter) for letter in types.replace("->", "")]
        if all(part is None or part == dtype for part, dtype in zip(wanted, found)):
            return found
    raise error("WRONG_TYPE", f"No loop matching the specified signature and casting was found for ufunc {ufunc.__name__}")


def cast_inputs(ufunc, signature, inputs, casting):
    """The inputs as that loop takes them."""
    made = []
    for i, (x, dtype) in enumerate(zip(inputs, _loop(ufunc, _dtypes(ufunc, signature)))):
        x = x if hasattr(x, "_handle") else np.asarray(x)
        if not np.can_cast(x.dtype, dtype, casting or "same_kind"):
            raise error("WRONG_TYPE", f"Cannot cast ufunc '{ufunc.__name__}' input {i} from {x.dtype!r} to {dtype!r} with casting rule {casting or 'same_kind'!r}")
        made.append(x.astype(dtype, copy=False))
    return tuple(made)
