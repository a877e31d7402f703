# CMake generated Testfile for 
# Source directory: /tmp/wt-index/tests/protocol
# Build directory: /tmp/wt-index/build-clang/tests/protocol
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[protocol.vectors]=] "/tmp/wt-index/build-clang/tests/test_protocol_vectors")
set_tests_properties([=[protocol.vectors]=] PROPERTIES  LABELS "protocol" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/cmake/Component.cmake;36;add_test;/tmp/wt-index/tests/protocol/CMakeLists.txt;1;fh_test;/tmp/wt-index/tests/protocol/CMakeLists.txt;0;")
add_test([=[protocol.vectors_fresh]=] "/usr/bin/python3" "-B" "/tmp/wt-index/tests/protocol/make_vectors.py" "--check")
set_tests_properties([=[protocol.vectors_fresh]=] PROPERTIES  LABELS "protocol" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/tests/protocol/CMakeLists.txt;6;add_test;/tmp/wt-index/tests/protocol/CMakeLists.txt;0;")
add_test([=[protocol.documents_fresh]=] "/usr/bin/python3" "-B" "/tmp/wt-index/scripts/generate" "--check")
set_tests_properties([=[protocol.documents_fresh]=] PROPERTIES  LABELS "protocol" TIMEOUT "60" _BACKTRACE_TRIPLES "/tmp/wt-index/tests/protocol/CMakeLists.txt;7;add_test;/tmp/wt-index/tests/protocol/CMakeLists.txt;0;")
