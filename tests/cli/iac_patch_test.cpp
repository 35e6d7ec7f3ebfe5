// Patches of files that would undo a resize, as patch(1) takes them.
#include "cli/iac_patch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace autotune::cli {
namespace {

constexpr const char* kTerraform = R"(# the shop
resource "aws_lambda_function" "orders" {
  function_name = "orders"   # a } in a comment
  handler       = "app.handler"
  memory_size   = 128 # MB
  environment {
    variables = { memory_size = "1" }
  }
}

resource "aws_lambda_function" "mails" {
  function_name = "mails"
  description   = "has { in it"
}

resource "aws_lambda_function" "stock" {
  function_name = "stock"
  memory_size   = var.memory
}
)";

constexpr const char* kSam = R"(Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: orders
      # more did not help
      MemorySize: 128   # MB
      Handler: app.handler
  mails:
    Type: "AWS::Serverless::Function"
    Properties:
      Handler: app.handler
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      MemorySize: 5
)";

constexpr const char* kServerless = R"(service: shop
provider:
  memorySize: 1024
functions:
  orders:
    handler: app.handler
    memorySize: '128'
  other:
    name: mails
    handler: app.mails
)";

// What patch(1) makes of the text.
std::string patched(const std::string& text, const std::string& name, const std::string& function, std::uint32_t mb) {
    const std::filesystem::path folder = testing::TempDir() + "autotune-iac-" + std::to_string(getpid());
    std::filesystem::create_directories(folder);
    std::ofstream(folder / name) << text;
    std::ofstream(folder / "diff") << unified_diff(text, name, find_memory(text, name, function, mb).edits);
    const std::string command = "cd " + folder.string() + " && git apply diff";
    const int status = std::system(command.c_str());
    std::ostringstream out;
    out << std::ifstream(folder / name).rdbuf();
    std::filesystem::remove_all(folder);
    return status == 0 ? out.str() : "git apply failed";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
}

TEST(IacPatch, ChangesTheOneValueAndNothingElse) {
    EXPECT_EQ(patched(kTerraform, "main.tf", "orders", 256), replaced(kTerraform, "= 128 #", "= 256 #"));
    EXPECT_EQ(patched(kSam, "template.yaml", "orders", 256), replaced(kSam, "MemorySize: 128", "MemorySize: 256"));
    EXPECT_EQ(patched(kServerless, "serverless.yml", "orders", 256), replaced(kServerless, "'128'", "'256'"));
}

TEST(IacPatch, AddsItWhereItIsNotSaid) {
    EXPECT_EQ(patched(kTerraform, "main.tf", "mails", 256),
              replaced(kTerraform, "function_name = \"mails\"\n", "function_name = \"mails\"\n  memory_size = 256\n"));
    EXPECT_EQ(patched(kSam, "template.yaml", "mails", 256),
              replaced(kSam, "\"AWS::Serverless::Function\"\n    Properties:\n", "\"AWS::Serverless::Function\"\n    Properties:\n      MemorySize: 256\n"));
    EXPECT_EQ(patched(kServerless, "serverless.yml", "mails", 256), replaced(kServerless, "  other:\n", "  other:\n    memorySize: 256\n"));
}

TEST(IacPatch, KeepsTheMissingEndOfTheLastLine) {
    EXPECT_EQ(patched("functions:\n  orders:\n    memorySize: 128", "serverless.yml", "orders", 256),
              "functions:\n  orders:\n    memorySize: 256");
    EXPECT_EQ(patched("resource \"aws_lambda_function\" \"a\" {\n  memory_size = 1\n  function_name = \"orders\"\n}", "a.tf", "orders", 256),
              "resource \"aws_lambda_function\" \"a\" {\n  memory_size = 256\n  function_name = \"orders\"\n}");
}

TEST(IacPatch, LeavesWhatIsComputedAndWhatIsRightAlone) {
    const MemoryPlace computed = find_memory(kTerraform, "main.tf", "stock", 256);
    EXPECT_TRUE(computed.edits.empty());
    EXPECT_THAT(computed.computed, testing::ElementsAre(18u));
    EXPECT_TRUE(find_memory(kTerraform, "main.tf", "orders", 128).edits.empty());
    EXPECT_TRUE(find_memory(kSam, "template.yaml", "absent", 256).edits.empty());
    EXPECT_TRUE(find_memory(kSam, "template.yaml", "Table", 256).edits.empty());
    EXPECT_EQ(unified_diff(kSam, "template.yaml", {}), "");
    EXPECT_TRUE(find_memory("Resources:\n  - {", "x.yaml", "a", 1).edits.empty());
    EXPECT_TRUE(find_memory("", "x.tf", "a", 1).edits.empty());
}

}  // namespace
}  // namespace autotune::cli
