# The command, with real daemons beside it.
fh_test(process.cli SOURCES cli_test.c ${PROJECT_SOURCE_DIR}/proxy/cli/run_folder.c USES base codecs support LABEL process TIMEOUT 180)
target_compile_definitions(test_process_cli PRIVATE FH_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
foreach(program farhand-cli farhand-broker farhand-engine farhand-runner)
  if(TARGET ${program})
    add_dependencies(test_process_cli ${program})
  endif()
endforeach()
