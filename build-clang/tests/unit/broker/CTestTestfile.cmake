# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/unit/broker
# Build directory: /tmp/wt-index/build-clang/tests/unit/broker
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[unit.broker.map]=] "/tmp/wt-index/build-clang/tests/test_unit_broker_map")
set_tests_properties([=[unit.broker.map]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;0;")
add_test([=[unit.broker.lease]=] "/tmp/wt-index/build-clang/tests/test_unit_broker_lease")
set_tests_properties([=[unit.broker.lease]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;0;")
add_test([=[unit.broker.placement]=] "/tmp/wt-index/build-clang/tests/test_unit_broker_placement")
set_tests_properties([=[unit.broker.placement]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;0;")
add_test([=[unit.broker.outbox]=] "/tmp/wt-index/build-clang/tests/test_unit_broker_outbox")
set_tests_properties([=[unit.broker.outbox]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;0;")
add_test([=[unit.broker.session]=] "/tmp/wt-index/build-clang/tests/test_unit_broker_session")
set_tests_properties([=[unit.broker.session]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;0;")
add_test([=[unit.broker.registry]=] "/tmp/wt-index/build-clang/tests/test_unit_broker_registry")
set_tests_properties([=[unit.broker.registry]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;0;")
add_test([=[unit.broker.store]=] "/tmp/wt-index/build-clang/tests/test_unit_broker_store")
set_tests_properties([=[unit.broker.store]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;0;")
add_test([=[unit.broker.queries]=] "/tmp/wt-index/build-clang/tests/test_unit_broker_queries")
set_tests_properties([=[unit.broker.queries]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;0;")
add_test([=[unit.broker.reactor]=] "/tmp/wt-index/build-clang/tests/test_unit_broker_reactor")
set_tests_properties([=[unit.broker.reactor]=] PROPERTIES  LABELS "unit" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;4;fh_test;/tmp/wt-index/tests/unit/broker/CMakeLists.txt;0;")
