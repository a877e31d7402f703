# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/fault
# Build directory: /tmp/wt-index/build-clang/tests/fault
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[fault.kernels]=] "/tmp/wt-index/build-clang/tests/test_fault_kernels")
set_tests_properties([=[fault.kernels]=] PROPERTIES  LABELS "fault" TIMEOUT "120" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/fault/CMakeLists.txt;9;fh_test;/tmp/wt-index/tests/fault/CMakeLists.txt;0;")
add_test([=[fault.mutants]=] "/tmp/wt-index/build-clang/tests/test_fault_mutants")
set_tests_properties([=[fault.mutants]=] PROPERTIES  LABELS "fault" TIMEOUT "1800" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/fault/CMakeLists.txt;11;fh_test;/tmp/wt-index/tests/fault/CMakeLists.txt;0;")
add_test([=[fault.bombs]=] "/tmp/wt-index/build-clang/tests/test_fault_bombs")
set_tests_properties([=[fault.bombs]=] PROPERTIES  LABELS "fault" TIMEOUT "600" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/fault/CMakeLists.txt;14;fh_test;/tmp/wt-index/tests/fault/CMakeLists.txt;0;")
add_test([=[fault.corpus]=] "/tmp/wt-index/build-clang/tests/test_fault_corpus")
set_tests_properties([=[fault.corpus]=] PROPERTIES  LABELS "fault" TIMEOUT "120" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/fault/CMakeLists.txt;16;fh_test;/tmp/wt-index/tests/fault/CMakeLists.txt;0;")
add_test([=[fault.faults]=] "/tmp/wt-index/build-clang/tests/test_fault_faults")
set_tests_properties([=[fault.faults]=] PROPERTIES  LABELS "fault" TIMEOUT "900" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/fault/CMakeLists.txt;20;fh_test;/tmp/wt-index/tests/fault/CMakeLists.txt;0;")
add_test([=[fault.endless]=] "/tmp/wt-index/build-clang/tests/test_fault_endless")
set_tests_properties([=[fault.endless]=] PROPERTIES  LABELS "fault" TIMEOUT "900" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/fault/CMakeLists.txt;20;fh_test;/tmp/wt-index/tests/fault/CMakeLists.txt;0;")
add_test([=[fault.published]=] "/tmp/wt-index/build-clang/tests/test_fault_published")
set_tests_properties([=[fault.published]=] PROPERTIES  LABELS "fault" TIMEOUT "180" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/fault/CMakeLists.txt;25;fh_test;/tmp/wt-index/tests/fault/CMakeLists.txt;0;")
