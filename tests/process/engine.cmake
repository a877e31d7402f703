# Tests of the engine's process.
foreach(subject array transfer kernel broker hostile)
  fh_test(process.engine_${subject} SOURCES engine_${subject}_test.c engine_rig.c broker_rig.c USES base codecs support
          LABEL process TIMEOUT 120)
  target_compile_definitions(test_process_engine_${subject} PRIVATE FH_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
  add_dependencies(test_process_engine_${subject} farhand-broker farhand-engine farhand-runner)
endforeach()
