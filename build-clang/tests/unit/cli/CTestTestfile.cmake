# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/unit/cli
# Build directory: /tmp/wt-index/build-clang/tests/unit/cli
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[unit.cli.npy]=] "/tmp/wt-index/build-clang/tests/test_unit_cli_npy")
set_tests_properties([=[unit.cli.npy]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/cli/CMakeLists.txt;3;fh_test;/tmp/wt-index/tests/unit/cli/CMakeLists.txt;0;")
add_test([=[unit.cli.run_folder]=] "/tmp/wt-index/build-clang/tests/test_unit_cli_run_folder")
set_tests_properties([=[unit.cli.run_folder]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/cli/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/cli/CMakeLists.txt;0;")
