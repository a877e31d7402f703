# CMake generated Testfile for 
# Source directory: /tmp/wt-index/proxy/python
# Build directory: /tmp/wt-index/build-clang/proxy/python
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
