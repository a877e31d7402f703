# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/unit/engine/apply
# Build directory: /tmp/wt-index/build-clang/tests/unit/engine/apply
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[unit.engine.apply.nonzero]=] "/tmp/wt-index/build-clang/tests/test_unit_engine_apply_nonzero")
set_tests_properties([=[unit.engine.apply.nonzero]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/engine/apply/CMakeLists.txt;3;fh_test;/tmp/wt-index/tests/unit/engine/apply/CMakeLists.txt;0;")
add_test([=[unit.engine.apply.take]=] "/tmp/wt-index/build-clang/tests/test_unit_engine_apply_take")
set_tests_properties([=[unit.engine.apply.take]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/engine/apply/CMakeLists.txt;3;fh_test;/tmp/wt-index/tests/unit/engine/apply/CMakeLists.txt;0;")
