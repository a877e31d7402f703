# CMake generated Testfile for 
# Source directory: /tmp/wt-index/proxy
# Build directory: /tmp/wt-index/build-clang/proxy
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
subdirs("cli")
subdirs("python")
