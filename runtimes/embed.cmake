# cmake -DINPUT=file -DOUTPUT=header -DNAME=kName -P embed.cmake: the bytes of a file as a constant.
include(${CMAKE_CURRENT_LIST_DIR}/literal.cmake)
literal(${INPUT} text size)
get_filename_component(source ${INPUT} NAME)
file(WRITE ${OUTPUT} "// Generated from ${source}.\n#pragma once\n\n#include <string_view>\n\nnamespace autotune::host {\n\ninline constexpr std::string_view ${NAME}(\n    ${text},\n    ${size});\n\n}  // namespace autotune::host\n")
