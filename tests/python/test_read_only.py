"""Arrays that a handle may only read: flags.writeable, setflags, broadcast_to."""
import numpy as np
import pytest

import farhand as fh
from oracle import same

WRITES = {
    "element": lambda n, x: x.__setitem__((0, 1), 5), "slice": lambda n, x: x.__setitem__(slice(1), 5),
    "mask": lambda n, x: x.__setitem__(x > 3, 5), "list": lambda n, x: x.__setitem__([0, 1], 5), "fill": lambda n, x: x.fill(5),
    "+=": lambda n, x: x.__iadd__(1), "+= array": lambda n, x: x.__iadd__(x), "out": lambda n, x: n.add(x, 1, out=x), "sum out": lambda n, x: x.sum(0, out=x[0]),
    "copyto": lambda n, x: n.copyto(x, 5), "put": lambda n, x: n.put(x, [0], 5), "sort": lambda n, x: x.sort(), "at": lambda n, x: n.add.at(x, 0, 1),
    "view": lambda n, x: x[1].__setitem__(0, 5), "rows": lambda n, x: x.reshape(-1).__setitem__(0, 5), "turned": lambda n, x: x.T.fill(5),
    "flat": lambda n, x: x.flat.__setitem__(0, 5), "putmask": lambda n, x: n.putmask(x, x > 3, 5), "clip": lambda n, x: x.clip(0, 1, out=x),
    "dtype": lambda n, x: x.view("i8").fill(5), "squeezed": lambda n, x: x[None].squeeze().fill(5), "setfield": lambda n, x: x.setfield(5, "f8"),
    "real": lambda n, x: setattr(x, "real", 5), "itemset": lambda n, x: x.itemset(0, 5), "put_along_axis": lambda n, x: n.put_along_axis(x, x.argsort(1), 5, 1),
}


def both():
    local = np.arange(12.0)[::-1].reshape(3, 4).copy()
    return local, fh.scatter(local)


@pytest.mark.parametrize("name", WRITES)
def test_what_is_read_only_cannot_be_written(clusters, name):
    if name == "itemset" and not hasattr(np.ndarray, name):
        pytest.skip("NumPy has dropped it")
    for n, x in zip((np, fh), both()):
        before = np.array(x)
        x.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            WRITES[name](n, x)
        same(fh.gather(x), before)
        x.flags.writeable = True
        WRITES[name](n, x)
        assert (np.asarray(x) != before).any()


def test_views_may_as_much_as_what_they_are_made_of(cluster):
    for x in both():
        view = x[1:]
        x.setflags(write=False)
        assert not x.flags.writeable and not x.flags["W"] and view.flags.writeable
        later = x[1:]
        assert not later.flags.writeable and not later.T.flags.writeable and not x.reshape(-1).flags["WRITEABLE"]
        assert x.copy().flags.writeable and (x + 1).flags.writeable and x[[0]].flags.writeable
        view[0, 0] = 50
        assert x[1, 0] == 50
        x.setflags(write=True)
        assert x.flags.writeable and not later.flags.writeable


def test_views_of_what_stays_read_only_stay_so(cluster):
    x = both()[1]
    x.flags["WRITEABLE"] = False
    for view in (x[1:], x.T, x.reshape(4, 3), x.alias()):
        with pytest.raises(ValueError, match="cannot set WRITEABLE flag to True"):
            view.flags.writeable = True


def test_other_handles_may_write(cluster):
    x = fh.scatter(np.zeros(4))
    other = x.alias()
    x.flags.writeable = False
    other[2] = 7
    same(fh.gather(x), np.array([0, 0, 7.0, 0]))


def test_what_is_broadcast_is_read_only(cluster):
    for n, x in zip((np, fh), both()):
        wide = n.broadcast_to(x, (2, 3, 4))
        assert not wide.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            wide[0] = 1
        with pytest.raises(ValueError, match="read-only"):
            wide += 1


def test_results_of_functions_can_be_written(cluster):
    x = fh.arange(4.0)
    for made in (fh.repeat(x, 2), fh.meshgrid(x, x)[0], fh.einsum("i->i", x), fh.choose([0, 0, 0, 0], [x]), fh.broadcast_arrays(x, fh.ones((2, 1)))[0],
                 fh.insert(x, 1, 5), fh.tile(x, 2), fh.diff(x, prepend=0)):
        made[0] = 9
