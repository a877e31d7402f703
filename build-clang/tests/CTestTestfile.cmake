# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests
# Build directory: /tmp/wt-index/build-clang/tests
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
subdirs("support")
subdirs("unit/base")
subdirs("unit/codecs")
subdirs("unit/broker")
subdirs("unit/engine")
subdirs("unit/engine/compute")
subdirs("unit/engine/apply")
subdirs("unit/engine/methods")
subdirs("unit/engine/runner")
subdirs("unit/proxy")
subdirs("unit/cli")
subdirs("protocol")
subdirs("process")
subdirs("fault")
subdirs("fuzz")
subdirs("bench")
