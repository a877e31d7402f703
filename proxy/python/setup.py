"""Builds the Python package with the one build there is, CMake: the extension, and the programs that a cluster consists of."""
import os
import shutil
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGETS = ["farhand_python", "farhand-cli", "farhand-broker", "farhand-engine", "farhand-runner"]
FILES = ["_native.abi3.so", "bin/farhand", "bin/farhand-broker", "bin/farhand-engine", "bin/farhand-runner", "lib/libfarhand.so.0",
         "include/farhand_kernel.h"]


class CMakeBuild(build_ext):
    def build_extension(self, ext):
        folder = os.path.abspath(os.path.join(self.build_temp, "cmake"))
        target = os.path.dirname(os.path.abspath(self.get_ext_fullpath(ext.name)))
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        subprocess.run(["cmake", "-S", ROOT, "-B", folder, *generator, "-DCMAKE_BUILD_TYPE=Release", "-DFH_TESTS=OFF",
                        f"-DPython3_EXECUTABLE={sys.executable}"], check=True)
        known = subprocess.run(["cmake", "--build", folder, "--target", "help"], check=True, capture_output=True, text=True).stdout
        pyhost = ["farhand-pyhost"] if "farhand-pyhost:" in known else []  # only where Python can be embedded
        subprocess.run(["cmake", "--build", folder, "--parallel", str(os.cpu_count() or 1), "--target", *TARGETS, *pyhost],
                       check=True)
        for name in FILES + [f"bin/{program}" for program in pyhost]:
            in_package = "/" not in name or name.startswith("include/")
            source = os.path.join(folder, "python/farhand" if in_package else "", name)
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            shutil.copy2(source, os.path.join(target, name))


with open(os.path.join(ROOT, "VERSION")) as file:
    version = file.read().strip()

setup(version=version, ext_modules=[Extension("farhand._native", [], py_limited_api=True)], cmdclass={"build_ext": CMakeBuild})
