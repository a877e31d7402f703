# CMake generated Testfile for 
# Source directory: /tmp/wt-index/engine/pyhost
# Build directory: /tmp/wt-index/build-clang/engine/pyhost
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
