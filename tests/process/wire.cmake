# Tests of the wire against real processes.
fh_test(process.hostile_frames
  SOURCES hostile_frames_test.c wire_peer.c broker_rig.c ../unit/codecs/random_message.c
  USES base codecs support LABEL process TIMEOUT 180)
target_compile_definitions(test_process_hostile_frames PRIVATE
  FH_BIN_DIR="${PROJECT_BINARY_DIR}/bin" FH_VECTORS="${PROJECT_SOURCE_DIR}/tests/protocol")
add_dependencies(test_process_hostile_frames farhand-broker farhand-engine farhand-runner)
