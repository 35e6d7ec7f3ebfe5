# Fuzzers: included instead of the tests when AUTOTUNE_FUZZ is on (preset `fuzz`, scripts/fuzz.sh).

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "AUTOTUNE_FUZZ needs clang and its libFuzzer (clang-14, libclang-rt-14-dev): use the preset `fuzz`")
endif()
# Every room reports its branches to libFuzzer.
target_compile_options(autotune_flags INTERFACE -fsanitize=fuzzer-no-link)

# autotune_fuzzer(NAME USES rooms…): NAME_fuzzer of NAME_fuzzer.cpp. As a ctest of label fuzz it takes
# each seed of corpus/NAME once; scripts/fuzz.sh is what looks for new ones.
function(autotune_fuzzer name)
  cmake_parse_arguments(F "" "" "USES" ${ARGN})
  add_executable(${name}_fuzzer ${name}_fuzzer.cpp)
  foreach(room IN LISTS F_USES)
    target_link_libraries(${name}_fuzzer PRIVATE autotune::${room})
  endforeach()
  target_link_options(${name}_fuzzer PRIVATE -fsanitize=fuzzer)
  set(seeds ${CMAKE_BINARY_DIR}/seeds/${name})
  file(MAKE_DIRECTORY ${seeds})
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
    list(APPEND seeds ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  endif()
  add_test(NAME fuzz_${name} COMMAND ${name}_fuzzer -runs=0 ${seeds})
  set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
