# CMake generated Testfile for 
# Source directory: /tmp/wt-index
# Build directory: /tmp/wt-index/build-clang
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
subdirs("base")
subdirs("codecs")
subdirs("broker")
subdirs("engine")
subdirs("proxy")
subdirs("tests")
