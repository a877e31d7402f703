"""numpy.lib.recfunctions, beside the arrays; masked results come back as they are."""
import numpy as np
import numpy.lib.recfunctions as rf
import pytest

import farhand as fh

A = np.array([(1, 2.5, b"x"), (2, 3.5, b"y"), (3, 4.5, b"z")], dtype=[("a", "i4"), ("b", "f8"), ("c", "S1")])
B = np.array([(2, 20), (3, 30), (4, 40)], dtype=[("a", "i4"), ("d", "i8")])
CALLS = {
    "drop": lambda a, b: rf.drop_fields(a, "b"), "rename": lambda a, b: rf.rename_fields(a, {"a": "q"}), "repack": lambda a, b: rf.repack_fields(a[["a", "c"]]),
    "require": lambda a, b: rf.require_fields(a, [("b", "f4"), ("z", "i2")]), "append": lambda a, b: rf.append_fields(a, "e", b["d"]),
    "append, plain": lambda a, b: rf.append_fields(a, "e", b["d"], usemask=False), "to table": lambda a, b: rf.structured_to_unstructured(a[["a", "b"]]),
    "stack": lambda a, b: rf.stack_arrays((a, b)), "stack, plain": lambda a, b: rf.stack_arrays((a, b), usemask=False),
    "join": lambda a, b: rf.join_by("a", a, b, usemask=False), "outer join": lambda a, b: rf.join_by("a", a, b, jointype="outer"),
    "merge": lambda a, b: rf.merge_arrays((a, rf.rename_fields(b, {"a": "k"})), flatten=True), "of rows": lambda a, b: rf.apply_along_fields(np.mean, a[["a", "b"]]),
    "from table": lambda a, b: rf.unstructured_to_structured(rf.structured_to_unstructured(a[["a", "b"]]), np.dtype([("x", "f8"), ("y", "f8")])),
}


@pytest.mark.parametrize("name", CALLS)
def test_record_functions_are_numpys(clusters, name):
    want, got = CALLS[name](A, B), CALLS[name](fh.scatter(A), fh.scatter(B))
    assert isinstance(got, fh.Array) != isinstance(want, np.ma.MaskedArray)
    got = fh.gather(got)
    assert got.dtype == want.dtype and got.tolist() == want.tolist()


def test_fields_are_assigned(clusters):
    x = fh.scatter(np.zeros(3, [("d", "i8"), ("a", "i4"), ("k", "f8")]))
    rf.assign_fields_by_name(x, fh.scatter(B))
    assert fh.gather(x).tolist() == [(20, 2, 0.0), (30, 3, 0.0), (40, 4, 0.0)]
    y = fh.scatter(np.zeros(4, B.dtype))
    assert rf.recursive_fill_fields(fh.scatter(B), y) is y
    assert fh.gather(y).tolist() == [*B.tolist(), (0, 0)]
