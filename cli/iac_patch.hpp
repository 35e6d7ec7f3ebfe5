// The files that would undo a resize at the next deployment: Terraform, SAM and CloudFormation, Serverless Framework. Where
// one sets the function's memory, the line that does; everything else in the file stays as it is. Pure.
//
//   Terraform:      memory_size in resource "aws_lambda_function" with function_name = "NAME"
//   CloudFormation: MemorySize of an AWS::Serverless::Function or AWS::Lambda::Function with FunctionName: NAME, or of that name
//   Serverless:     memorySize of the entry of `functions:` that is called NAME, or has name: NAME
//
// Values that are computed (variables, references, locals) are left alone: they are told apart from those that are not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::cli {

struct LineEdit {
    std::size_t line = 0;  // from 1; where `before` is, or behind which `after` goes
    std::string before;    // "" : nothing is replaced
    std::string after;     // with the line's own indentation and comment
};
struct MemoryPlace {
    std::vector<LineEdit> edits;
    std::vector<std::size_t> computed;  // lines that set it to something that is no number
};

// `file_name` tells the language: *.tf; *.yml, *.yaml, *.template. Nothing where the file does not describe the function,
// or has that memory already.
[[nodiscard]] MemoryPlace find_memory(std::string_view text, std::string_view file_name, std::string_view function,
                                      std::uint32_t memory_mb);

// As `diff -u` prints it and `patch -p1` takes it. "" without edits. `path`: relative, as it is below a/ and b/.
[[nodiscard]] std::string unified_diff(std::string_view text, const std::string& path, const std::vector<LineEdit>& edits);

}  // namespace autotune::cli
