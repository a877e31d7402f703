"""Bad calls raise what NumPy raises: some 3,400 of them, made of functions and bad arguments, or listed in numpy_bad_calls.txt.

What differs from NumPy 1.24 stands in numpy_bad_calls_known.txt; anything else that differs fails.
"""
import pathlib
import warnings

import numpy as np
import pytest

import farhand as fh

HERE = pathlib.Path(__file__).parent
ARRAYS = {
    "f": lambda: np.arange(12.0).reshape(3, 4), "v": lambda: np.arange(6.0), "w": lambda: np.arange(7.0), "i": lambda: np.arange(12).reshape(3, 4),
    "iv": lambda: np.array([2, 0, 1, 3, 5, 4]), "e": lambda: np.zeros((0, 4)), "ev": lambda: np.zeros(0), "s": lambda: np.array(["a", "b", "c"]),
    "b": lambda: np.array([True, False, True]), "c": lambda: np.arange(4) + 1j, "sq": lambda: np.arange(16.0).reshape(4, 4) + 5 * np.eye(4),
    "z": lambda: np.array(3.0), "d": lambda: np.array(["2020-01-01", "2020-01-02"], "M8[D]"), "t3": lambda: np.arange(24.0).reshape(2, 3, 4),
}
OPERATORS = ("+", "-", "*", "/", "//", "**", "%", "<<", "&", "|", "@", "<", "==")


def take(module, letter):
    local = ARRAYS[letter]()
    return local if module is np else fh.scatter(local)


def remove(x):
    del x[0]


def put(x, key, value):
    x[key] = value
    return x


def change(operator, x, value):
    names = {"x": x, "value": value}
    exec(f"x {operator}= value", names)
    return names["x"]


def expressions():
    """Python expressions in n and T."""
    for name in ("sum prod mean std var min max any all argmin argmax median ptp nansum nanmean nanmax nanmin nanstd nanvar nanprod nanargmax "
                 "nanmedian cumsum cumprod sort argsort count_nonzero nancumsum average").split():
        for arguments in ("axis=5", "axis=-4", "axis=(0, 0)", "axis=1.5", "axis='a'", "axis=(0, 1)", "axis=[0]", "bogus=1", "dtype='nonsense'",
                          "out=[1, 2]", "keepdims='x'", "where='a'", "where=[True, False]", "where=[1.0, 0.0, 1.0, 1.0]", "axis=True",
                          "None, None, None, 1, 2, 3, 4, 5", "axis=0, out=T('v')", "axis=0, out=T('i')[0]"):
            yield f"n.{name}(T('f'), {arguments})"
        for letter in ("e", "ev", "s", "d", "z", "b", "c"):
            yield f"n.{name}(T('{letter}'))"
            yield f"n.{name}(T('{letter}'), axis=0)"
        yield f"n.{name}()"
    for name in ("add subtract multiply true_divide floor_divide power remainder maximum less equal logical_and bitwise_and left_shift arctan2 "
                 "hypot gcd copysign ldexp matmul fmod heaviside").split():
        for pair in ("f v", "f w", "s f", "d f", "d d", "b b", "c c", "f i", "s s", "iv b", "iv iv", "e f", "sq f"):
            yield "n.{}(T('{}'), T('{}'))".format(name, *pair.split())
        for other in ("None", "'x'", "{}", "object()", "[[1, 2], [3]]", "", "T('f'), T('f'), T('f')"):
            yield f"n.{name}(T('f'), {other})"
        for arguments in ("out=[1]", "out=T('v')", "out=T('i')", "out=(T('f'), T('f'))", "where='a'", "where=T('f')", "where=[True, False, True]",
                          "dtype=int", "dtype='bad'", "casting='bad'", "casting='no', dtype='f4'", "bogus=1", "axis=0", "order='Z'", "order='F'",
                          "subok=False", "signature='dd->d'", "signature='zz'"):
            yield f"n.{name}(T('f'), T('f'), {arguments})"
    for name in "sqrt exp sin negative invert isnan floor sign conjugate logical_not square signbit".split():
        for arguments in (*(f"T('{letter}')" for letter in ("f", "i", "b", "c", "s", "d", "e")), "", "T('f'), out=T('v')", "T('f'), dtype='i4'"):
            yield f"n.{name}({arguments})"
    for operator in OPERATORS:
        for pair in ("f v", "f w", "s f", "d d", "b b", "c c", "f i", "iv iv", "c f", "z f"):
            yield "T('{1}') {0} T('{2}')".format(operator, *pair.split())
        for other in ("None", "'x'", "{}", "object()", "[[1], [1, 2]]", "[]", "float('inf')"):
            yield f"T('f') {operator} {other}"
            yield f"{other} {operator} T('f')"
            yield f"T('i') {operator} {other}"
        for letter, value in (("i", "T('f')"), ("i", "1.5"), ("f", "T('w')"), ("b", "1"), ("f", "T('t3')"), ("v", "T('f')"), ("f", "T('c')"), ("iv", "2"),
                              ("f", "None"), ("f", "'qq'"), ("b", "T('b')"), ("s", "T('s')"), ("iv", "-1")):
            if operator not in ("@", "<", "=="):
                yield f"change('{operator}', T('{letter}'), {value})"
    for key in ("9", "-9", "1.5", "'a'", "(None, None)", "(0, 0, 0)", "(0, 9)", "[0, 9]", "[1.5]", "[]", "['a']", "slice(0, 2, 0)", "slice('a')",
                "slice(1.5)", "(..., ...)", "{}", "n.array([True, False])", "n.ones((2, 2), bool)", "([0, 1], [0, 1, 2])", "n.array([1., 2.])", "True",
                "object()", "2**70", "n.ones(9, bool)", "(0, slice(None), 0, 0)", "[None]", "[[]]", "1j", "{1}", "range(2)", "[[0, 1], [1, 2]]",
                "n.array(['a'])", "n.array(1)", "()"):
        for letter in ("f", "v", "z", "e"):
            yield f"T('{letter}')[{key}]"
            yield f"put(T('{letter}'), {key}, 1)"
    for value in ("None", "'x'", "[1, 2]", "[[1], [1, 2]]", "{}", "1j", "n.ones((5, 5))", "float('nan')", "2**70", "object()", "'1'", "n.datetime64('2020')"):
        for letter in ("f", "i", "b", "s", "c", "iv"):
            yield f"put(T('{letter}'), slice(None), {value})"
            yield f"put(T('{letter}'), 0, {value})"
            yield f"put(T('{letter}'), [0, 1], {value})"
            yield f"T('{letter}').fill({value})"
    for line in (HERE / "numpy_bad_calls.txt").read_text().splitlines():
        if not line.startswith("#"):
            yield line


def raised(code, module, session):
    """The exception, once all that was begun is done; None."""
    names = {"n": module, "T": lambda letter: take(module, letter), "put": put, "change": change, "remove": remove}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = eval(code, names)
            for x in result if isinstance(result, (tuple, list)) else [result]:
                if isinstance(x, fh.Array):
                    fh.gather(x)
            session.sync()
    except Exception as problem:
        return problem
    return None


def is_of_its_kind(problem, expected):
    if expected is None or problem is None:
        return expected is problem
    if isinstance(expected, getattr(np, "exceptions", np).AxisError):
        return isinstance(problem, ValueError) and isinstance(problem, IndexError)
    return isinstance(problem, next(c for c in type(expected).__mro__ if c.__module__ == "builtins" or c is np.linalg.LinAlgError))


def told(problem):
    return "no exception" if problem is None else f"{type(problem).__name__}: {problem}"


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) >= "2.0.0", reason="the list of known differences is that of NumPy 1")
def test_bad_calls_raise_what_numpy_raises(cluster):
    known = {line for line in (HERE / "numpy_bad_calls_known.txt").read_text().splitlines() if not line.startswith("#")}
    differences = {}
    for expression in dict.fromkeys(expressions()):
        code = compile(expression, expression, "eval")
        expected, problem = raised(code, np, cluster.session), raised(code, fh, cluster.session)
        assert problem is None or str(problem), f"{expression}: the exception says nothing"
        if not is_of_its_kind(problem, expected):
            differences[expression] = f"{expression}: NumPy: {told(expected)}; here: {told(problem)}"
    new = [text for expression, text in differences.items() if expression not in known]
    assert not new, "\n".join(new)
    gone = sorted(known - set(differences))
    assert not gone, f"no longer different: take these lines out of numpy_bad_calls_known.txt: {gone}"
