# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/bench
# Build directory: /tmp/wt-index/build-clang/tests/bench
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
