// Methods of a Java file that are annotated as functions: @Lambda(memory = 512, timeout = 30), as Lambada has it; @CloudFunction too.
//
// J. Spillner, S. Dorodko: Java Code Analysis and Transformation into AWS Lambda Functions, 2017. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/diagnostic.hpp"

namespace autotune::rules {

struct JavaFunction {
    std::string owner;   // class, with those around it: "Shop.Prices"
    std::string method;
    std::string type;    // that it returns: "int", "List<String>", "void"
    std::vector<std::pair<std::string, std::string>> parameters;  // type, name
    bool throws = false;
    std::optional<std::uint32_t> memory_mb, timeout_s;
    std::string name;    // that the annotation asks for; "": none
    Position at;         // of the annotation
};

struct JavaFile {
    std::string package;               // "": the default one
    std::vector<std::string> imports;  // "java.util.List", "static java.lang.Math.*"
    std::vector<JavaFunction> functions;
    std::vector<Diagnostic> diagnostics;  // what an annotation asks for and cannot be; such a method is not among `functions`
};

[[nodiscard]] JavaFile read_java(std::string_view source);

}  // namespace autotune::rules
