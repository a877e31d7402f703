"""Build backend for `pip install .` in the root of the repository: setuptools, run in proxy/python."""
import os

from setuptools import build_meta

os.chdir(os.path.dirname(os.path.abspath(__file__)))

get_requires_for_build_wheel = build_meta.get_requires_for_build_wheel
prepare_metadata_for_build_wheel = build_meta.prepare_metadata_for_build_wheel
build_wheel = build_meta.build_wheel
