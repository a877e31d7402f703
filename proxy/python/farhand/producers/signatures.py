"""Signatures and layouts as text, taken apart."""
import re

from ..errors import error


def parse(signature):
    """"float64(float64, int32*)" to ("float64", ["float64", "int32*"]); without a result, "(float64)", to (None, ["float64"])."""
    found = re.fullmatch(r"\s*(\w*)\s*\((.*)\)\s*", signature, re.S)
    arguments = None if found is None else split(found.group(2))
    if arguments is None:
        raise error("INVALID_ARGUMENT", f'a signature reads like "float64(float64, float64)", not {signature!r}')
    return found.group(1) or None, arguments


def split(text):
    """The parts between commas that stand outside brackets; None if brackets do not match."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0)
        if depth < 0:
            return None
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    if depth:
        return None
    return [part.strip() for part in parts if part.strip()]


def is_signature(text):
    return isinstance(text, str) and "(" in text and text.rstrip().endswith(")")


def core_ndims(layout):
    """How many core dimensions each operand of a layout such as "(m,k),(k,n)->(m,n)" has, outputs last."""
    groups = re.findall(r"\(([^()]*)\)", layout)
    if not re.fullmatch(r"\s*(\([^()]*\)\s*,?\s*)*->\s*(\([^()]*\)\s*,?\s*)+", layout):
        raise error("INVALID_ARGUMENT", f'a layout reads like "(m,k),(k,n)->(m,n)", not {layout!r}')
    return [len([name for name in group.split(",") if name.strip()]) for group in groups]
