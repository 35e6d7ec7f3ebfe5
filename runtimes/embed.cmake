# cmake -DINPUT=file -DOUTPUT=header -DNAME=kName -P embed.cmake: the bytes of a file as a constant.
file(READ ${INPUT} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
# Lines of 32 bytes keep compilers and people content.
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" text "${hex}")
string(REPEAT "[^|]" 128 line)
string(REGEX REPLACE "(${line})" "\\1\"\n    \"" text "${text}")
get_filename_component(source ${INPUT} NAME)
file(WRITE ${OUTPUT} "// Generated from ${source}.\n#pragma once\n\n#include <string_view>\n\nnamespace autotune::host {\n\ninline constexpr std::string_view ${NAME}(\n    \"${text}\",\n    ${size});\n\n}  // namespace autotune::host\n")
