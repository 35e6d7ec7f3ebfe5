// The granularity that a Java file's annotations ask for, as files to add: a handler for each method, and a template (AWS SAM) that
// says how much memory and time each has. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/java/functions.hpp"

namespace autotune::rules {

struct NewFile {
    std::string path;  // relative
    std::string text;  // not empty, ends in a newline
};

// `path`: the Java file's, relative, "src/Shop.java": handlers go beside it, the template too ("src/Shop.functions.yaml").
// REQUIRES: a function.
[[nodiscard]] std::vector<NewFile> propose_functions(const JavaFile& file, std::string_view path);

// As `diff -u` prints it and `patch -p1` takes it.
[[nodiscard]] std::string patch_of(const std::vector<NewFile>& files);

}  // namespace autotune::rules
