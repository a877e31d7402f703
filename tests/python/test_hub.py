"""farhand.engine: objects by their Ids, on clients and in Python hosts."""
import pytest
from remote_support import Account

import farhand as fh


def test_a_client_sees_all_objects_of_the_cluster(cluster):
    accounts = fh.scatter([Account(1), Account(2)])
    array = fh.scatter([3.0, 4.0])[0]
    cluster.session.sync()
    array.wait()
    assert isinstance(fh.engine, fh.ObjectHub) and fh.engine.eid == -1 and fh.engine.nengines == 2
    keys = {account._id for account in accounts}
    assert {key.engine for key in keys} == {0, 1} and keys <= set(fh.engine)
    for key in keys:
        ref = fh.engine[key]
        assert isinstance(ref, fh.Ref) and ref.type == "python" and ref.id == key.instance and key in fh.engine
    assert {ref.type for _, ref in fh.engine.items()} == {"python", "array"} and len(fh.engine) == len(fh.engine.keys())
    assert fh.Id(bytes(16), 0) not in fh.engine
    with pytest.raises(ValueError, match="fh.scatter"):
        fh.engine[fh.Id(bytes(16), 0)] = 3


def test_objects_of_this_process_are_counted(cluster):
    mine = Account(1)
    key = fh.engine.register(mine)
    assert key.engine == -1 and fh.engine[key] is mine and fh.engine.refcounts[key] == 1
    assert fh.engine.register(mine) == key and fh.engine.refcounts[key] == 2
    fh.engine.decref(key)
    fh.engine.incref(key)
    fh.engine[key] = mine
    with pytest.raises(ValueError, match="not unique"):
        fh.engine[key] = Account(2)
    for _ in range(3):
        fh.engine.decref(key)
    assert key not in fh.engine and key not in fh.engine.refcounts
    with pytest.raises(KeyError):
        fh.engine.decref(key)


def _look(account):
    """In a host."""
    import farhand

    [key] = [key for key, value in farhand.engine.items() if value is account]
    return type(farhand.engine).__name__, farhand.engine.eid, farhand.engine.nengines, key


def test_code_in_a_host_sees_its_objects(cluster):
    for account in fh.scatter([Account(1), Account(2)]):
        assert fh.call(_look, account) == ("ObjectEngine", account._id.engine, 2, account._id)


def test_proxy_types_are_listed(cluster):
    class Local:
        pass

    fh.engine.register_proxy_type(Local)
    assert fh.engine.proxy_types[Local] is None
