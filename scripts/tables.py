"""Reads the project's .def tables: one row a line, MACRO(argument, ...)."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONSTANTS = {
    "INT64_MIN": -(2**63), "INT64_MAX": 2**63 - 1, "UINT64_MAX": 2**64 - 1, "UINT32_MAX": 2**32 - 1, "INT32_MAX": 2**31 - 1,
}


def _value(text):
    text = text.strip()
    if text.startswith('"'):
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if text.startswith("'"):
        return text[1:-1]
    if text in CONSTANTS:
        return CONSTANTS[text]
    try:
        return int(text, 0)
    except ValueError:
        return text


def rows(path):
    """(line number, macro, [arguments]) of each row; texts without their quotes, numbers as int."""
    text = (ROOT / path).read_text()
    comments = re.compile(r"/\*.*?\*/", re.S)
    text = comments.sub(lambda match: "\n" * match.group().count("\n"), text)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.fullmatch(r"\s*([A-Z_]+)\((.*)\)\s*", line)
        if match:
            parts = re.findall(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^,"'])+""", match.group(2))
            yield number, match.group(1), [_value(part) for part in parts]
        elif line.strip() and not line.startswith("#"):
            raise SystemExit(f"{path}:{number}: not a row: {line}")


def messages():
    """All messages of codecs/messages.def, each with its fields, as dicts."""
    found = []
    for number, macro, arguments in rows("codecs/messages.def"):
        if macro == "MSG":
            keys = ("name", "code", "senders", "receivers", "raw", "doc")
            found.append(dict(zip(keys, arguments), fields=[]))
        elif macro == "F":
            keys = ("message", "name", "key", "kind", "min", "max", "presence", "doc")
            field = dict(zip(keys, arguments))
            if len(arguments) != len(keys) or field["message"] != found[-1]["name"]:
                raise SystemExit(f"codecs/messages.def:{number}: not a field of {found[-1]['name']}")
            found[-1]["fields"].append(field)
        elif macro != "END" or arguments != [found[-1]["name"]]:
            raise SystemExit(f"codecs/messages.def:{number}: {macro} does not belong here")
    return found
