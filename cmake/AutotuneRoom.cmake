# One way to declare rooms and tests, so that flags are the same everywhere.

add_library(autotune_flags INTERFACE)
target_include_directories(autotune_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_options(autotune_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                                -Wno-missing-field-initializers)
# g++ 12 warns of std::optional's storage where it is guarded; the sanitizers look at real reads.
target_compile_options(autotune_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
if(AUTOTUNE_WERROR)
  target_compile_options(autotune_flags INTERFACE -Werror)
endif()
if(AUTOTUNE_SANITIZE)
  list(JOIN AUTOTUNE_SANITIZE "," sanitizers)
  target_compile_options(autotune_flags INTERFACE -fsanitize=${sanitizers} -fno-omit-frame-pointer
                                                  -fno-sanitize-recover=all)
  target_link_options(autotune_flags INTERFACE -fsanitize=${sanitizers})
endif()

# autotune_room(NAME SOURCES a.cpp b.cpp [USES core net] [LIBRARIES PkgConfig::X])
# A static library autotune::NAME. USES are rooms, LIBRARIES are from outside and stay private.
function(autotune_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_library(autotune_${name} STATIC ${ROOM_SOURCES})
  add_library(autotune::${name} ALIAS autotune_${name})
  target_link_libraries(autotune_${name} PUBLIC autotune_flags)
  foreach(room IN LISTS ROOM_USES)
    target_link_libraries(autotune_${name} PUBLIC autotune::${room})
  endforeach()
  target_link_libraries(autotune_${name} PRIVATE ${ROOM_LIBRARIES})
endfunction()

# autotune_test(NAME LABEL unit|golden|kernel|e2e SOURCES … USES rooms… [LIBRARIES …])
# A GoogleTest program; each TEST becomes a ctest with that label. Kernel and e2e tests run alone. In CI none
# may be skipped (tests/support/no_skips_in_ci.hpp).
function(autotune_test name)
  cmake_parse_arguments(T "" "LABEL" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  foreach(room IN LISTS T_USES)
    target_link_libraries(${name} PRIVATE autotune::${room})
  endforeach()
  target_link_libraries(${name} PRIVATE autotune_test_support GTest::gmock GTest::gtest_main ${T_LIBRARIES})
  # What is tested is optimised as it is shipped; the tests themselves are run once and compiled often.
  target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O0>)
  target_compile_definitions(${name} PRIVATE AUTOTUNE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                             AUTOTUNE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set(properties LABELS ${T_LABEL} TIMEOUT 120)
  if(T_LABEL STREQUAL kernel OR T_LABEL STREQUAL e2e)
    list(APPEND properties RUN_SERIAL ON)
  endif()
  gtest_discover_tests(${name} PROPERTIES ${properties} DISCOVERY_TIMEOUT 60)
  set_property(GLOBAL APPEND PROPERTY AUTOTUNE_${T_LABEL}_TESTS ${name})
endfunction()

# autotune_script_test(NAME LABEL e2e [BESIDE_OTHERS] COMMAND …): a test that is a program of its own. Exit 77 is a skip,
# which must have printed its reason. It runs alone unless it bears others of its kind.
function(autotune_script_test name)
  cmake_parse_arguments(T "BESIDE_OTHERS" "LABEL;TIMEOUT" "COMMAND" ${ARGN})
  set(alone ON)
  if(T_BESIDE_OTHERS)
    set(alone OFF)
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${T_COMMAND})
  set_tests_properties(${name} PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT} RUN_SERIAL ${alone} SKIP_RETURN_CODE 77
    ENVIRONMENT "AUTOTUNE_SOURCE_DIR=${PROJECT_SOURCE_DIR};AUTOTUNE_BINARY_DIR=${PROJECT_BINARY_DIR}")
endfunction()
