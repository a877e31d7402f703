#!/usr/bin/env python3
"""Makes the conformance vectors: a second implementation of the wire format, so that the first one is not its own judge.

usage: make_vectors.py [--check]     rewrites valid/*.hex and invalid/*.hex beside it, or compares them

A vector is a text file: lines `key value`, then the header frame in hex.
    from, to   roles of sender and receiver (C, B, E)
    raw        raw frames that came with the header
    text       one for each message, as farhand prints it (valid)
    status     what the frame, or its first bad message, is refused with (invalid)
    call       `call` of the refused message, where it can be read (invalid)
    about      what the error must speak of (invalid)
"""
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))
sys.dont_write_bytecode = True
from tables import messages  # noqa: E402

MESSAGES = {message["name"]: message for message in messages()}


class Ext:
    def __init__(self, type_, body):
        self.type, self.body = type_, body


class Map(list):
    """Pairs, so that keys can come twice and in any order."""


class Bytes(bytes):
    """Goes into the frame as it is."""


def pack(value):
    if isinstance(value, Bytes):
        return bytes(value)
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        if 0 <= value < 128 or -32 <= value < 0:
            return struct.pack(">b" if value < 0 else ">B", value)
        for lead, form, low, high in ((0xcc, "B", 0, 2**8), (0xcd, "H", 0, 2**16), (0xce, "I", 0, 2**32), (0xcf, "Q", 0, 2**64),
                                      (0xd0, "b", -2**7, 0), (0xd1, "h", -2**15, 0), (0xd2, "i", -2**31, 0),
                                      (0xd3, "q", -2**63, 0)):
            if low <= value < high:
                return struct.pack(">B" + form, lead, value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xcb, value)
    if isinstance(value, str):
        body = value.encode()
        return sized(len(body), ((0xa0, 32),), (0xd9, 0xda, 0xdb)) + body
    if isinstance(value, bytes):
        return sized(len(value), (), (0xc4, 0xc5, 0xc6)) + value
    if isinstance(value, Ext):
        fixed = {1: 0xd4, 2: 0xd5, 4: 0xd6, 8: 0xd7, 16: 0xd8}
        size = len(value.body)
        head = bytes([fixed[size]]) if size in fixed else sized(size, (), (0xc7, 0xc8, 0xc9))
        return head + bytes([value.type]) + value.body
    if isinstance(value, Map):
        return sized(len(value), ((0x80, 16),), (None, 0xde, 0xdf)) + b"".join(pack(k) + pack(v) for k, v in value)
    return sized(len(value), ((0x90, 16),), (None, 0xdc, 0xdd)) + b"".join(map(pack, value))


def sized(size, small, leads):
    for lead, limit in small:
        if size < limit:
            return bytes([lead + size])
    for lead, form, limit in zip(leads, "BHI", (2**8, 2**16, 2**32)):
        if lead and size < limit:
            return struct.pack(">B" + form, lead, size)
    raise ValueError(size)


def frame(*items, start=b"FH\x01\x00"):
    return start + b"".join(map(pack, items))


def oid(seed):
    return bytes((seed * 16 + i) % 256 for i in range(16))


def sample(field, full):
    """A value of the field and how it is printed."""
    kind, low, high, key = field["kind"], field["min"], field["max"], field["key"]
    if kind in ("U64", "I64"):
        number = 12 if field["name"] == "dtype" and high >= 12 else min(high, 1000 * key + 7) if full else low
        return number, str(number)
    if kind == "BOOL":
        return full, "true" if full else "false"
    if kind == "OID":
        return oid(key), oid(key).hex()
    if kind == "STR":
        text = (field["name"] + " \u20ac")[:max(low, min(high // 4, 20))] if full else "x" * low
        return text, f'"{text}"'
    if kind == "BIN":
        data = bytes(range(max(low, min(high, 5 if full else low))))
        return data, data[:40].hex() + ("..." if len(data) > 40 else "")
    count = max(low, min(high, 3 if full else low))
    if kind == "OIDS":
        ids = [oid(key + i) for i in range(count)]
        return b"".join(ids), "[" + ", ".join(i.hex() for i in ids) + "]"
    if kind == "I64S":
        numbers = [3, -4, 2**40][:count]
        return struct.pack(f"<{count}q", *numbers), "[" + ", ".join(map(str, numbers)) + "]"
    if kind == "OPERANDS":
        pairs = [(Ext(1, oid(key)), oid(key).hex()), (Ext(2, struct.pack("<Bd", 12, 1.5)), "float64:000000000000f83f"),
                 (Ext(2, b"\x01\x01"), "bool:01")][:count]
    else:
        pairs = [(None, "nil"), (True, "true"), (-129, "-129"), (2**64 - 1, str(2**64 - 1)), (0.5, "0.5"), ("h\u00e9", '"h\u00e9"'),
                 (b"\x00\xff", "00ff"), (Ext(1, oid(key)), oid(key).hex())][:8 if full and high >= 8 else count]
    return [pair[0] for pair in pairs], "[" + ", ".join(pair[1] for pair in pairs) + "]"


ZERO = {"U64": "0", "I64": "0", "BOOL": "false", "OID": "0" * 32, "STR": '""', "BIN": ""}


def message(name, full, raw):
    """(the message, its text)"""
    row, pairs, text = MESSAGES[name], Map(), name
    for field in row["fields"]:
        if full or field["presence"] == "REQ":
            value, printed = sample(field, full)
            pairs.append((field["key"], value))
        else:
            printed = ZERO.get(field["kind"], "[]")
        text += f" {field['name']}={printed}"
    return [row["code"], pairs, raw], text + (f" raw={raw}" if raw else "")


def valid():
    for name, row in MESSAGES.items():
        for full in (False, True):
            raw = row["raw"] if full else 0
            item, text = message(name, full, raw)
            lines = [("from", row["senders"][0]), ("to", row["receivers"][0]), ("raw", raw), ("text", text)]
            yield f"{name.lower()}-{'full' if full else 'least'}", lines, frame(item)
    several = [message("WRITE", True, 1), message("SYNC", False, 0), message("WRITE", True, 1)]
    lines = [("from", "C"), ("to", "E"), ("raw", 2)] + [("text", text) for _, text in several]
    yield "several-messages", lines, frame(*(item for item, _ in several))
    pong = [("from", "C"), ("to", "E"), ("raw", 0), ("text", "PONG call=5")]
    yield "other-unknown-keys", pong, frame([7, Map([(100, [1, [2, Map([(3, None)])]]), (1, 5), (99, "new")]), 0])
    yield "other-wide-numbers", pong, frame([Bytes(b"\xcd\x00\x07"), Map([(Bytes(b"\xd3" + b"\0" * 7 + b"\1"),
                                            Bytes(b"\xcf" + b"\0" * 7 + b"\5"))]), Bytes(b"\xd0\x00")])
    yield "other-wide-headers", pong, frame(Bytes(b"\xdd\0\0\0\x03\x07\xdf\0\0\0\x01\x01\x05\x00"))
    yield "other-newer-minor", pong, frame([7, Map([(1, 5)]), 0], start=b"FH\x01\x63")
    order = [("from", "C"), ("to", "B"), ("raw", 0), ("text", 'LOOKUP call=5 name="x"')]
    yield "other-key-order", order, frame([0x17, Map([(2, "x"), (1, 5)]), 0])


def invalid():
    def case(name, data, about="", status="PROTOCOL_ERROR", call=0, raw=0, roles="CE"):
        lines = [("from", roles[0]), ("to", roles[1]), ("raw", raw), ("status", status), ("call", call)]
        return name, lines + ([("about", about)] if about else []), data

    def fetch(*pairs, **replace):
        fields = {1: 9, 2: oid(2), 3: 0, 4: 8}
        fields.update(pairs)
        return frame([replace.get("code", 0x38), Map((k, v) for k, v in fields.items() if v is not Ellipsis),
                      replace.get("raw", 0)])

    ufunc = lambda inputs: frame([0x33, Map([(1, 9), (2, "add"), (3, inputs), (4, oid(4)), (6, 12), (7, 12)]), 0])
    result = lambda values: frame([0x40, Map([(1, 9), (2, values)]), 0])
    release = lambda ids: frame([0x3c, Map([(1, 9), (2, ids)]), 0])
    shape = lambda value: frame([0x30, Map([(1, 9), (2, oid(2)), (3, 12), (4, value)]), 0])
    ok = fetch()
    yield case("frame-empty", b"", "0 bytes")
    yield case("frame-short", b"FH\x01", "'FH'")
    yield case("frame-without-message", b"FH\x01\x00", "without a message")
    yield case("frame-other-signature", b"GET / HTTP/1.1\r\n", "'FH'")
    yield case("frame-major-0", b"FH\x00\x00" + ok[4:], "protocol 0.0", "VERSION_MISMATCH")
    yield case("frame-major-2", b"FH\x02\x07" + ok[4:], "protocol 2.7", "VERSION_MISMATCH")
    yield case("frame-trailing-byte", ok + b"\xc1", "0xc1")
    yield case("frame-trailing-half-item", ok + b"\x93\x07", "left")
    yield case("frame-truncated", ok[:-1], "left")
    yield case("msgpack-huge-array", frame(Bytes(b"\xdd\xff\xff\xff\xff")), "left")
    yield case("msgpack-huge-map", frame(Bytes(b"\x93\x38\xdf\xff\xff\xff\xff")), "left")
    yield case("msgpack-huge-text", fetch((2, Bytes(b"\xdb\xff\xff\xff\xff"))), "left")
    yield case("msgpack-huge-bytes", fetch((2, Bytes(b"\xc6\x7f\xff\xff\xff"))), "left")
    yield case("msgpack-too-deep", fetch((99, Bytes(b"\x91" * 7 + b"\xc0"))), "nested")
    yield case("msgpack-very-deep", frame([0x38, Bytes(b"\x91" * 2000 + b"\xc0"), 0]), "nested")
    yield case("message-not-array", frame(7), "message")
    yield case("message-array-of-2", frame([0x38, Map()]), "message")
    yield case("message-array-of-4", frame([0x38, Map([(1, 9)]), 0, 0]), "message")
    yield case("message-code-text", frame(["FETCH", Map([(1, 9)]), 0]), "code")
    yield case("message-code-unknown", fetch(code=0x7f), "127", call=9)
    yield case("message-code-huge", fetch(code=2**64 - 1), "18446744073709551615", call=9)
    yield case("message-fields-array", frame([0x38, [1, 9], 0]), "FETCH")
    yield case("message-fields-empty", frame([0x38, Map(), 0]), "FETCH.call")
    yield case("message-wrong-sender", ok, "FETCH", call=9, roles="EE")
    yield case("message-wrong-receiver", ok, "FETCH", call=9, roles="CB")
    yield case("key-twice", frame([0x38, Map([(1, 9), (2, oid(2)), (3, 0), (4, 8), (3, 1)]), 0]), "twice", call=9)
    yield case("key-unknown-twice", frame([0x07, Map([(1, 9), (90, 1), (90, 1)]), 0]), "twice", call=9)
    yield case("key-text", frame([0x07, Map([(1, 9), ("call", 9)]), 0]), "key", call=9)
    yield case("key-negative", frame([0x07, Map([(1, 9), (-1, 9)]), 0]), "key", call=9)
    yield case("key-128", frame([0x07, Map([(1, 9), (128, 9)]), 0]), "key", call=9)
    yield case("field-missing", fetch((4, Ellipsis)), "FETCH.size", call=9)
    yield case("field-call-zero", fetch((1, 0)), "FETCH.call")
    yield case("field-call-negative", fetch((1, -5)), "FETCH.call")
    yield case("field-number-as-text", fetch((4, "8")), "FETCH.size", call=9)
    yield case("field-number-as-float", fetch((4, 8.0)), "FETCH.size", call=9)
    yield case("field-number-as-bool", fetch((4, True)), "FETCH.size", call=9)
    yield case("field-number-as-nil", fetch((4, None)), "FETCH.size", call=9)
    yield case("field-number-negative", fetch((3, -1)), "FETCH.offset", call=9)
    yield case("field-number-too-large", fetch((4, 1048577)), "FETCH.size", call=9)
    yield case("field-offset-above-int64", fetch((3, 2**63)), "FETCH.offset", call=9)
    yield case("field-signed-too-small", frame([0x15, Map([(1, 9), (2, "x"), (3, "array"), (6, -2), (7, oid(7)), (8, oid(8))]), 0]),
               "PUBLISH.axis", call=9, roles="CB")
    yield case("field-signed-too-large", frame([0x32, Map([(1, 9), (2, oid(2)), (3, oid(3)), (4, 2**63), (5, b""), (6, b"")]), 0]),
               "VIEW.offset", call=9)
    yield case("field-signed-above-bound", frame([0x15, Map([(1, 9), (2, "x"), (3, "array"), (6, 32), (7, oid(7)), (8, oid(8))]), 0]),
               "PUBLISH.axis", call=9, roles="CB")
    yield case("field-bool-as-number", frame([0x23, Map([(2, oid(2)), (3, 1)]), 0]), "KEEP.keep", roles="BE")
    yield case("field-id-15-bytes", fetch((2, oid(2)[:15])), "FETCH.object", call=9)
    yield case("field-id-17-bytes", fetch((2, oid(2) + b"x")), "FETCH.object", call=9)
    yield case("field-id-as-text", fetch((2, "0123456789abcdef")), "FETCH.object", call=9)
    yield case("field-ids-17-bytes", release(oid(1) + b"x"), "RELEASE.objects", call=9)
    yield case("field-ids-none", release(b""), "RELEASE.objects", call=9)
    yield case("field-ids-as-array", release([oid(1)]), "RELEASE.objects", call=9)
    yield case("field-ints-7-bytes", shape(b"1234567"), "EMPTY.shape", call=9)
    yield case("field-ints-33", shape(bytes(33 * 8)), "EMPTY.shape", call=9)
    yield case("field-ints-as-array", shape([3, 4]), "EMPTY.shape", call=9)
    lookup = lambda name: frame([0x17, Map([(1, 9), (2, name)]), 0])
    yield case("field-text-empty", lookup(""), "LOOKUP.name", call=9, roles="CB")
    yield case("field-text-256-bytes", lookup("n" * 256), "LOOKUP.name", call=9, roles="CB")
    yield case("field-text-nul", lookup("a\0b"), "LOOKUP.name", call=9, roles="CB")
    yield case("field-text-not-utf8", lookup(Bytes(b"\xa2\xc3\x28")), "LOOKUP.name", call=9, roles="CB")
    yield case("field-text-surrogate", lookup(Bytes(b"\xa3\xed\xa0\x80")), "LOOKUP.name", call=9, roles="CB")
    yield case("field-text-as-bytes", lookup(b"name"), "LOOKUP.name", call=9, roles="CB")
    publish = [(1, 9), (2, "x"), (3, "array"), (7, oid(7)), (8, oid(8))]
    yield case("field-fields-too-long", frame([0x15, Map([*publish, (11, "f" * 16385)]), 0]), "PUBLISH.fields", call=9, roles="CB")
    yield case("field-fields-nul", frame([0x15, Map([*publish, (11, "a\0b")]), 0]), "PUBLISH.fields", call=9, roles="CB")
    yield case("field-fields-not-utf8", frame([0x15, Map([*publish, (11, Bytes(b"\xa2\xc3\x28"))]), 0]), "PUBLISH.fields", call=9,
               roles="CB")
    yield case("field-dtype-above-bound", frame([0x15, Map([*publish, (4, 2**31)]), 0]), "PUBLISH.dtype", call=9, roles="CB")
    yield case("field-bytes-31", frame([0x48, Map([(1, 9), (2, oid(2)), (3, bytes(31))]), 0]), "KERNEL.hash", call=9)
    yield case("operands-none", ufunc([]), "UFUNC.inputs", call=9)
    yield case("operands-4", ufunc([Ext(1, oid(1))] * 4), "UFUNC.inputs", call=9)
    yield case("operands-id-none", ufunc([Ext(1, bytes(16))]), "UFUNC.inputs", call=9)
    yield case("operands-id-as-bytes", ufunc([oid(1)]), "UFUNC.inputs", call=9)
    yield case("operands-other-extension", ufunc([Ext(3, oid(1))]), "UFUNC.inputs", call=9)
    yield case("operands-constant-empty", ufunc([Ext(2, b"")]), "UFUNC.inputs", call=9)
    yield case("operands-constant-dtype-0", ufunc([Ext(2, b"\x00\x01")]), "UFUNC.inputs", call=9)
    yield case("operands-constant-dtype-15", ufunc([Ext(2, b"\x0f\x01")]), "UFUNC.inputs", call=9)
    yield case("operands-constant-short", ufunc([Ext(2, b"\x0c" + bytes(7))]), "UFUNC.inputs", call=9)
    yield case("operands-constant-long", ufunc([Ext(2, b"\x0c" + bytes(9))]), "UFUNC.inputs", call=9)
    yield case("values-nested", result([[1]]), "RESULT.values", call=9, roles="EC")
    yield case("values-map", result([Map()]), "RESULT.values", call=9, roles="EC")
    yield case("values-other-extension", result([Ext(2, bytes(16))]), "RESULT.values", call=9, roles="EC")
    yield case("values-text-not-utf8", result([Bytes(b"\xa1\xff")]), "RESULT.values", call=9, roles="EC")
    yield case("values-too-many", result([None] * 4097), "RESULT.values", call=9, roles="EC")
    yield case("raw-too-many", fetch(raw=1), "FETCH", call=9, raw=1)
    yield case("raw-not-there", frame([0x31, Map([(1, 9), (2, oid(2)), (3, 0)]), 1]), "WRITE", call=9)
    yield case("raw-huge", frame([0x31, Map([(1, 9), (2, oid(2)), (3, 0)]), 2**40]), "WRITE", call=9, raw=1)
    yield case("raw-negative", frame([0x31, Map([(1, 9), (2, oid(2)), (3, 0)]), -1]), "WRITE", call=9, raw=1)
    yield case("raw-nobody-claims", ok, "belong to no message", raw=1)


def render(lines, data):
    text = "".join(f"{key} {value}\n" for key, value in lines)
    digits = data.hex()
    return text + "hex\n" + "".join(digits[i:i + 96] + "\n" for i in range(0, len(digits), 96))


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    wanted = {f"{folder}/{name}.hex": render(lines, data)
              for folder, cases in (("valid", valid()), ("invalid", invalid())) for name, lines, data in cases}
    present = {str(path.relative_to(HERE)): path.read_text() for path in HERE.glob("*/*.hex")}
    if check:
        sys.exit(f"stale: {sorted(set(wanted.items()) ^ set(present.items()))}" if wanted != present else 0)
    for name in present.keys() - wanted.keys():
        (HERE / name).unlink()
    for name, text in wanted.items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_text(text)


if __name__ == "__main__":
    main()
