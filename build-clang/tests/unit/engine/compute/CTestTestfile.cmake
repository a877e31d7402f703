# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/unit/engine/compute
# Build directory: /tmp/wt-index/build-clang/tests/unit/engine/compute
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[unit.engine.compute.crew]=] "/tmp/wt-index/build-clang/tests/test_unit_engine_compute_crew")
set_tests_properties([=[unit.engine.compute.crew]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;1;fh_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;0;")
add_test([=[unit.engine.compute.assign]=] "/tmp/wt-index/build-clang/tests/test_unit_engine_compute_assign")
set_tests_properties([=[unit.engine.compute.assign]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;2;fh_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;0;")
add_test([=[unit.engine.compute.ufunc]=] "/tmp/wt-index/build-clang/tests/test_unit_engine_compute_ufunc")
set_tests_properties([=[unit.engine.compute.ufunc]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;3;fh_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;0;")
add_test([=[unit.engine.compute.reduce]=] "/tmp/wt-index/build-clang/tests/test_unit_engine_compute_reduce")
set_tests_properties([=[unit.engine.compute.reduce]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;0;")
add_test([=[unit.engine.compute.vector_math]=] "/tmp/wt-index/build-clang/tests/test_unit_engine_compute_vector_math")
set_tests_properties([=[unit.engine.compute.vector_math]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;5;fh_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;0;")
add_test([=[unit.engine.compute.variants]=] "/tmp/wt-index/build-clang/tests/test_unit_engine_compute_variants")
set_tests_properties([=[unit.engine.compute.variants]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;6;fh_test;/tmp/wt-index/tests/unit/engine/compute/CMakeLists.txt;0;")
