#include "cli/topology_state.hpp"

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "exporters/render/owner_edges_reader.hpp"

namespace autotune::cli {

namespace {

constexpr std::size_t kMostBytes = 256 << 20;  // what the agent writes has a few megabytes

Result<std::string> read(const std::filesystem::path& file) {
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        const int reason = errno;
        if (reason == EACCES) return fail(Errc::permission_denied, file.string() + " may not be read");
        return fail(Errc::not_found, file.string() + " is not there: autotune run writes it once it has seen calls");
    }
    std::string text;
    std::vector<char> piece(1 << 16);
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
        if (text.size() + static_cast<std::size_t>(in.gcount()) > kMostBytes)
            return fail(Errc::resource_exhausted, file.string() + " is larger than 256 MiB: autotune run did not write it");
        text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) return fail(Errc::unavailable, file.string() + " could not be read");
    return text;
}

}  // namespace

Result<OwnerGraph> edges_on_record(const std::filesystem::path& state) {
    const std::filesystem::path file = state / "topology_edges.json";
    const auto text = read(file);
    if (!text) return text.forward();
    auto graph = render::read_owner_edges(*text);
    if (!graph) return fail(Errc::corrupt, file.string() + ": " + graph.error().message);
    return graph;
}

Result<std::string> page_on_record(const std::filesystem::path& state) { return read(state / "topology.html"); }

}  // namespace autotune::cli
