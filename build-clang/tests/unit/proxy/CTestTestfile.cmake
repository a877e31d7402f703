# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/unit/proxy
# Build directory: /tmp/wt-index/build-clang/tests/unit/proxy
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[unit.proxy.layout]=] "/tmp/wt-index/build-clang/tests/test_unit_proxy_layout")
set_tests_properties([=[unit.proxy.layout]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/proxy/CMakeLists.txt;1;fh_test;/tmp/wt-index/tests/unit/proxy/CMakeLists.txt;0;")
add_test([=[unit.proxy.session]=] "/tmp/wt-index/build-clang/tests/test_unit_proxy_session")
set_tests_properties([=[unit.proxy.session]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/proxy/CMakeLists.txt;2;fh_test;/tmp/wt-index/tests/unit/proxy/CMakeLists.txt;0;")
add_test([=[unit.proxy.kernel]=] "/tmp/wt-index/build-clang/tests/test_unit_proxy_kernel")
set_tests_properties([=[unit.proxy.kernel]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/proxy/CMakeLists.txt;3;fh_test;/tmp/wt-index/tests/unit/proxy/CMakeLists.txt;0;")
