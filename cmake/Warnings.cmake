# fh_flags: warnings, hardening and sanitizers for all of our own code.
add_library(fh_flags INTERFACE)
target_compile_options(fh_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wformat=2
  -Wcast-qual -Wswitch-enum -fvisibility=hidden -fno-strict-aliasing -fstack-protector-strong)
target_compile_definitions(fh_flags INTERFACE _GNU_SOURCE FARHAND_VERSION="${FARHAND_VERSION}")
if(FH_WERROR)
  target_compile_options(fh_flags INTERFACE -Werror)
endif()
if(FH_SANITIZE STREQUAL "address")
  target_compile_options(fh_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(fh_flags INTERFACE -fsanitize=address,undefined)
elseif(FH_SANITIZE STREQUAL "thread")
  target_compile_options(fh_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(fh_flags INTERFACE -fsanitize=thread)
else()
  target_link_options(fh_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
# Fuzzers learn from the coverage of the code that they call.
if(FH_FUZZ)
  target_compile_options(fh_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(fh_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
