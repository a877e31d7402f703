# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/unit/engine/methods
# Build directory: /tmp/wt-index/build-clang/tests/unit/engine/methods
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[unit.engine.methods.kernel_signature]=] "/tmp/wt-index/build-clang/tests/test_unit_engine_methods_kernel_signature")
set_tests_properties([=[unit.engine.methods.kernel_signature]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/engine/methods/CMakeLists.txt;2;fh_test;/tmp/wt-index/tests/unit/engine/methods/CMakeLists.txt;0;")
