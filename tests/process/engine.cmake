# Tests of the engine's process.
foreach(subject array apply dtypes adopt lay carve fetch_list map memory spill transfer offer kernel kernel_about kernel_map kernel_draft kernel_fold kernel_hostile broker hostile ring line)
  set(sources engine_${subject}_test.c engine_rig.c broker_rig.c)
  if(subject MATCHES kernel)
    list(APPEND sources kernel_caller.c)
  elseif(subject MATCHES "transfer|offer")
    list(APPEND sources engine_pair.c)
  endif()
  fh_test(process.engine_${subject} SOURCES ${sources} USES base codecs support LABEL process TIMEOUT 120)
  target_compile_definitions(test_process_engine_${subject} PRIVATE FH_BIN_DIR="${PROJECT_BINARY_DIR}/bin"
    FH_KERNELS_DIR="${PROJECT_SOURCE_DIR}/tests/kernels")
  add_dependencies(test_process_engine_${subject} farhand-broker farhand-engine farhand-runner)
endforeach()
