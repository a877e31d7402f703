"""Builds the Python package with the one build there is, CMake: the extension, and the programs that a cluster consists of."""
import os
import shutil
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAMS = ["farhand", "farhand-broker", "farhand-engine", "farhand-runner"]


class CMakeBuild(build_ext):
    def build_extension(self, ext):
        folder = os.path.abspath(os.path.join(self.build_temp, "cmake"))
        target = os.path.dirname(os.path.abspath(self.get_ext_fullpath(ext.name)))
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        subprocess.run(["cmake", "-S", ROOT, "-B", folder, *generator, "-DCMAKE_BUILD_TYPE=Release", "-DFH_TESTS=OFF",
                        f"-DPython3_EXECUTABLE={sys.executable}"], check=True)
        subprocess.run(["cmake", "--build", folder, "--parallel", str(os.cpu_count() or 1), "--target", "farhand_python",
                        *PROGRAMS], check=True)
        os.makedirs(os.path.join(target, "bin"), exist_ok=True)
        shutil.copy2(os.path.join(folder, "python", "farhand", "_native.abi3.so"), target)
        for program in PROGRAMS:
            shutil.copy2(os.path.join(folder, "bin", program), os.path.join(target, "bin"))


with open(os.path.join(ROOT, "VERSION")) as file:
    version = file.read().strip()

setup(version=version, ext_modules=[Extension("farhand._native", [], py_limited_api=True)], cmdclass={"build_ext": CMakeBuild})
