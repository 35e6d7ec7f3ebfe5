#include "os/listeners.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <sstream>
#include <system_error>

#include "os/file.hpp"

namespace autotune {

namespace {

constexpr std::string_view kListening = "0A";

template <class Number>
std::optional<Number> number(std::string_view text, int base) {
    Number value{};
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

// "0100007F:1F90", "00000000000000000000000001000000:1F90": words of four bytes, each as this machine reads it.
std::optional<Endpoint> endpoint(std::string_view text) {
    const auto colon = text.find(':');
    if (colon != 8 && colon != 32) return std::nullopt;
    Endpoint e{.family = colon == 8 ? AddressFamily::ipv4 : AddressFamily::ipv6};
    for (std::size_t i = 0; i < colon; i += 8) {
        const auto word = number<std::uint32_t>(text.substr(i, 8), 16);
        if (!word) return std::nullopt;
        std::memcpy(e.address.data() + i / 2, &*word, 4);
    }
    const auto port = number<std::uint16_t>(text.substr(colon + 1), 16);
    if (!port) return std::nullopt;
    e.port = *port;
    return e;
}

bool takes(const Endpoint& listens, const Endpoint& address) {
    if (listens.port != address.port) return false;
    const bool is_any = std::ranges::all_of(listens.address, [](auto byte) { return byte == 0; });
    if (is_any) return listens.family == AddressFamily::ipv6 || address.family == AddressFamily::ipv4;
    return listens.family == address.family && listens.address == address.address;
}

}  // namespace

std::optional<std::uint64_t> listening_inode(std::string_view table, const Endpoint& address) {
    std::istringstream lines{std::string(table)};
    std::string line;
    std::getline(lines, line);  // the names of the columns
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        std::array<std::string, 10> field;  // sl local remote st queues timer retransmits uid timeout inode
        for (std::string& one : field) fields >> one;
        if (field[3] != kListening) continue;
        const auto local = endpoint(field[1]);
        const auto inode = number<std::uint64_t>(field[9], 10);
        if (local && inode && *inode != 0 && takes(*local, address)) return inode;
    }
    return std::nullopt;
}

Result<pid_t> who_listens(const Endpoint& address, pid_t caller, const std::filesystem::path& proc) {
    std::optional<std::uint64_t> inode;
    for (const char* table : {"tcp", "tcp6"})
        if (!inode)
            if (const auto text = read_file(proc / std::to_string(caller) / "net" / table); text)
                inode = listening_inode(*text, address);
    if (!inode) return fail(Errc::not_found, "nobody listens on " + to_string(address));
    const std::string wanted = "socket:[" + std::to_string(*inode) + "]";
    pid_t lowest = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator it(proc, error), end; !error && it != end; it.increment(error)) {
        const auto pid = number<pid_t>(it->path().filename().string(), 10);
        if (!pid || (lowest != 0 && *pid > lowest)) continue;
        std::error_code gone;
        for (std::filesystem::directory_iterator fd(it->path() / "fd", gone), last; !gone && fd != last; fd.increment(gone)) {
            std::error_code unreadable;
            if (std::filesystem::read_symlink(fd->path(), unreadable) != wanted || unreadable) continue;
            lowest = *pid;
            break;
        }
    }
    if (lowest == 0) return fail(Errc::not_found, "the process that listens on " + to_string(address) + " cannot be seen");
    return lowest;
}

}  // namespace autotune
