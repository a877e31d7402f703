# CMake generated Testfile for 
# Source directory: /tmp/wt-index/base
# Build directory: /tmp/wt-index/build-clang/base
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
