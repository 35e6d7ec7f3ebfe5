#include "agent/runtime/python_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune {
namespace {

using runtime::parse_python_watch;
using runtime::PythonWatch;
using ::testing::HasSubstr;

std::string error_of(std::string_view text) {
    const auto watch = parse_python_watch(text);
    return watch ? "" : watch.error().message;
}

TEST(PythonWatch, IsAPlaceAndAnExpression) {
    EXPECT_EQ(*parse_python_watch("handler.py:42 len(items)"), (PythonWatch{"handler.py", 42, "len(items)"}));
    EXPECT_EQ(*parse_python_watch("/srv/app:v2/x.py:7 \t x[1:2] if y else 'a: b' "),
              (PythonWatch{"/srv/app:v2/x.py", 7, "x[1:2] if y else 'a: b'"}));
}

TEST(PythonWatch, SaysWhatIsMissing) {
    EXPECT_THAT(error_of(""), HasSubstr("begins with no FILE:LINE"));
    EXPECT_THAT(error_of("len(items)"), HasSubstr("begins with no FILE:LINE"));
    EXPECT_THAT(error_of(":3 x"), HasSubstr("begins with no FILE:LINE"));
    EXPECT_THAT(error_of("handler.py:x y"), HasSubstr("'x' is no line's number"));
    EXPECT_THAT(error_of("handler.py:0 y"), HasSubstr("no line's number"));
    EXPECT_THAT(error_of("handler.py:99999999999 y"), HasSubstr("no line's number"));
    EXPECT_THAT(error_of("handler.py:-1 y"), HasSubstr("no line's number"));
    EXPECT_THAT(error_of("handler.py:1"), HasSubstr("there is no expression"));
    EXPECT_THAT(error_of("handler.py:1  \t"), HasSubstr("there is no expression"));
    EXPECT_THAT(error_of("handler.py:1 x\ny"), HasSubstr("more than one line"));
    EXPECT_THAT(error_of("handler.py:1 " + std::string(2000, 'x')), HasSubstr("too long"));
}

TEST(PythonOptions, AreOneALine) {
    EXPECT_EQ(*runtime::python_options({}), "");
    EXPECT_EQ(*runtime::python_options({.functions_in_c = true, .watches = {{"a.py", 3, "x"}, {"b.py", 4, "y z"}}}),
              "builtins\nwatch\t3\ta.py\tx\nwatch\t4\tb.py\ty z\n");
    EXPECT_FALSE(runtime::python_options({.watches = std::vector<PythonWatch>(17, {"a.py", 3, "x"})}).has_value());
}

}  // namespace
}  // namespace autotune
