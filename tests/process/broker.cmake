# Tests of the broker's process.
foreach(subject admission engine restart sql)
  fh_test(process.broker_${subject} SOURCES broker_${subject}_test.c broker_rig.c USES base codecs support LABEL process TIMEOUT 120)
  target_compile_definitions(test_process_broker_${subject} PRIVATE FH_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
  add_dependencies(test_process_broker_${subject} farhand-broker)
endforeach()
fh_test(process.broker_size SOURCES broker_size_test.c broker_crowd.c broker_rig.c USES base codecs support PRIVATE_LIBS PkgConfig::zmq
        LABEL process TIMEOUT 120)
target_compile_definitions(test_process_broker_size PRIVATE FH_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
add_dependencies(test_process_broker_size farhand-broker)
