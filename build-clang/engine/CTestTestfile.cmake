# CMake generated Testfile for 
# Source directory: /tmp/wt-index/engine
# Build directory: /tmp/wt-index/build-clang/engine
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
subdirs("compute")
subdirs("apply")
subdirs("runner")
subdirs("pyhost")
