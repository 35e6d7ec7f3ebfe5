// An invocation's peers, files, calls and what was not decoded as JSON text: lists inside a row. For this room only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/invocation.hpp"
#include "core/result.hpp"

namespace autotune {

[[nodiscard]] std::string to_json(const std::vector<PeerIo>& peers);
[[nodiscard]] std::string to_json(const std::vector<FileIo>& files);
[[nodiscard]] std::string to_json(const std::vector<FunctionCall>& calls);

// Errors: corrupt.
[[nodiscard]] std::string to_json(const std::vector<UndecodedWork>& works);
Result<std::vector<UndecodedWork>> undecoded_from_json(std::string_view text);
Result<std::vector<PeerIo>> peers_from_json(std::string_view text);
Result<std::vector<FileIo>> files_from_json(std::string_view text);
Result<std::vector<FunctionCall>> calls_from_json(std::string_view text);

}  // namespace autotune
