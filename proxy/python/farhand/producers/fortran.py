"""Fortran, by LLVM's flang."""
import re

from . import Product
from .tools import compiled, engines_llvm, find

_OLDEST = 18
_KINDS = {"c_double": "float64", "c_float": "float32", "c_int8_t": "int8", "c_int16_t": "int16", "c_int32_t": "int32",
          "c_int": "int32", "c_int64_t": "int64", "c_long": "int64", "c_size_t": "int64", "c_bool": "bool",
          "c_double_complex": "complex128", "c_float_complex": "complex64", "8": "float64", "4": "float32"}
_UNIT = re.compile(r"\b(subroutine|function)\s+(\w+)\s*\(([^()]*)\)([^\n]*)\n(.*?)\bend\s+\1", re.S | re.I)
_DECLARATION = re.compile(r"^\s*(?:real|integer|logical|complex)\s*\(\s*(?:kind\s*=\s*)?(\w+)\s*\)([^:\n]*)::([^\n!]*)", re.M | re.I)
_NAME = re.compile(r"(\w+)\s*(\([^()]*\))?")


def compile_fortran(text, entry=None, signature=None):
    """A Product of procedures that are bind(C), with numbers passed by value and arrays as plain (explicit-shape) arguments."""
    newest = engines_llvm()
    flang = find("FARHAND_FLANG", ("flang", "flang-new"), newest, _OLDEST, f"flang-{newest}")
    # -O1 leaves loops as they are: vectors are the engines' business.
    code = compiled(lambda folder, source, result: [flang, "-O1", "-gline-tables-only", "-emit-llvm", "-c", source, "-o", result],
                    text, ".f90")
    return Product(code, entry, signature or fortran_signature(text, entry))


def fortran_signature(text, entry=None):
    """The signature of a procedure whose arguments have kinds of iso_c_binding; None: the engines find out."""
    code = re.sub(r"&\s*\n\s*&?", " ", re.sub(r"!.*", "", text))
    units = [unit for unit in _UNIT.findall(code) if unit[1].lower() == (entry or unit[1]).lower()]
    if len(units) != 1:
        return None
    what, name, arguments, tail, body = units[0]
    types = {}
    for kind, attributes, names in _DECLARATION.findall(body):
        for variable, extent in _NAME.findall(re.sub(r"\([^()]*\)", lambda found: found.group().replace(",", " "), names)):
            base = _KINDS.get(kind.lower())
            by_value = "value" in attributes.lower() and not extent
            types[variable.lower()] = base and (base if by_value else base + "*")
    parameters = [types.get(part.strip().lower()) for part in arguments.split(",") if part.strip()]
    result = "void"
    if what.lower() == "function":
        named = re.search(r"\bresult\s*\(\s*(\w+)\s*\)", tail, re.I)
        result = (types.get((named.group(1) if named else name).lower()) or "").rstrip("*")
    if not result or None in parameters:
        return None
    return f"{result}({', '.join(parameters)})"
