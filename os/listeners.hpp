// Which process listens on an address, as another process of this machine would reach it. From /proc.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/endpoint.hpp"
#include "core/result.hpp"

namespace autotune {

// Of one of /proc/PID/net/{tcp,tcp6}: the socket's inode that listens on the address, or on all (":: " takes IPv4 too).
// nullopt: none does. Lines that cannot be read are passed over.
[[nodiscard]] std::optional<std::uint64_t> listening_inode(std::string_view table, const Endpoint& address);

// The process, of several the one with the lowest number: it started the others. Looks through the network namespace of
// `caller`, and at the descriptors of all processes: some milliseconds. Errors: not_found.
[[nodiscard]] Result<pid_t> who_listens(const Endpoint& address, pid_t caller, const std::filesystem::path& proc = "/proc");

}  // namespace autotune
