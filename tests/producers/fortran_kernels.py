"""Fortran has neither macros nor templates that all its compilers share: the same kernels for each of its types."""
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
NUMBER = {"ufunc": "(a + b) * c", "minus": "in(i) - in(i - 1)", "times": "state * x", "one": "1", "zero": "0",
          "plus": "+", "either": "+", "both": "*"}
BOOL = {"ufunc": "(a .neqv. b) .neqv. c", "minus": "in(i) .neqv. in(i - 1)", "times": "state .neqv. x",
        "one": ".false.", "zero": ".false.", "plus": ".neqv.", "either": ".or.", "both": ".and."}
TYPES = {
    "int8": "integer(c_int8_t)", "int16": "integer(c_int16_t)", "int32": "integer(c_int32_t)", "int64": "integer(c_int64_t)",
    "float32": "real(c_float)", "float64": "real(c_double)",
    "complex64": "complex(c_float_complex)", "complex128": "complex(c_double_complex)", "bool": "logical(c_bool)",
}


def source():
    template = (HERE / "kernels.f90.in").read_text()
    parts = [(HERE / "fh_kernel.f90").read_text()]
    for name, kind in TYPES.items():
        part = template
        for word, text in {"name": name, "type": kind, **(BOOL if name == "bool" else NUMBER)}.items():
            part = part.replace(f"@{word}@", text)
        parts.append(part)
    return "\n".join(parts)


if __name__ == "__main__":
    print(source())
