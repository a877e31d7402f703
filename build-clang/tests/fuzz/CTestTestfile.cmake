# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/fuzz
# Build directory: /tmp/wt-index/build-clang/tests/fuzz
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
