# cmake "-DSOURCES=a.py;b.py" -DROOT=folder -DHEADER=file -P decompose_files.cmake: files as constants, named as they are below ROOT;
# those that are not below it by their names.
include(${CMAKE_CURRENT_LIST_DIR}/literal.cmake)
set(entries "")
foreach(source ${SOURCES})
  literal(${source} text size)
  file(RELATIVE_PATH path ${ROOT} ${source})
  if(path MATCHES "^\\.\\.")
    get_filename_component(path ${source} NAME)
  endif()
  string(APPEND entries "    ToolFile{\"${path}\", std::string_view(\n     ${text}, ${size})},\n")
endforeach()
file(WRITE ${HEADER} "// Generated from runtimes/decompose/.\n#pragma once\n\n#include <array>\n\n#include \"runtimes/decompose.hpp\"\n\nnamespace autotune::runtimes {\n\ninline constexpr std::array kDecomposeFiles{\n${entries}};\n\n}  // namespace autotune::runtimes\n")
