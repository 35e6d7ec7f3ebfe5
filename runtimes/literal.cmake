# literal(FILE TEXT SIZE): sets TEXT to the bytes of a file as a string literal of C++, SIZE to how many they are.
function(literal file text size)
  file(READ ${file} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR bytes "${digits} / 2")
  # Lines of 32 bytes keep compilers and people content.
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" escaped "${hex}")
  string(REPEAT "[^|]" 128 line)
  string(REGEX REPLACE "(${line})" "\\1\"\n    \"" escaped "${escaped}")
  set(${text} "\"${escaped}\"" PARENT_SCOPE)
  set(${size} ${bytes} PARENT_SCOPE)
endfunction()
