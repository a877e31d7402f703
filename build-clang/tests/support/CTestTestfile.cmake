# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/support
# Build directory: /tmp/wt-index/build-clang/tests/support
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
