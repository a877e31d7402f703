# Tests of libfarhand against a real broker and real engines.
foreach(subject chain moves lists maps results computes dtypes dense sorting faults index registry kernels)
  fh_test(process.client_${subject} SOURCES client_${subject}_test.c cluster.c USES proxy support PRIVATE_LIBS m LABEL process TIMEOUT 180)
  target_compile_definitions(test_process_client_${subject} PRIVATE FH_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
  add_dependencies(test_process_client_${subject} farhand-broker farhand-engine farhand-runner)
endforeach()

fh_test(process.client_examples SOURCES client_examples_test.c cluster.c USES proxy support LABEL process TIMEOUT 120)
target_compile_definitions(test_process_client_examples PRIVATE
  FH_BIN_DIR="${PROJECT_BINARY_DIR}/bin" FH_EXAMPLES_DIR="${PROJECT_BINARY_DIR}/examples")
add_dependencies(test_process_client_examples farhand-broker farhand-engine farhand-runner example_hello example_circle
  example_scatter_gather)

foreach(subject maps folds life)
  fh_test(process.client_kernel_${subject} SOURCES client_kernel_${subject}_test.c kernel_rig.c cluster.c
    USES proxy support PRIVATE_LIBS m LABEL process TIMEOUT 180)
  target_compile_definitions(test_process_client_kernel_${subject} PRIVATE
    FH_BIN_DIR="${PROJECT_BINARY_DIR}/bin" FH_KERNELS_DIR="${CMAKE_CURRENT_LIST_DIR}/kernels")
  add_dependencies(test_process_client_kernel_${subject} farhand-broker farhand-engine farhand-runner)
endforeach()

# A client that takes itself to be on another host, over lines that break.
foreach(subject streams cut_lines repeats)
  set(sources client_${subject}_test.c cluster.c flaky_line.c)
  if(subject STREQUAL "repeats")
    list(APPEND sources cutter.c)
  endif()
  fh_test(process.client_${subject} SOURCES ${sources} USES proxy support
    PRIVATE_LIBS Threads::Threads LABEL process TIMEOUT 300)
  target_compile_definitions(test_process_client_${subject} PRIVATE FH_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
  add_dependencies(test_process_client_${subject} farhand-broker farhand-engine farhand-runner)
endforeach()
