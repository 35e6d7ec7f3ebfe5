#include "cli/text_pieces.hpp"

#include <optional>
#include <utility>

#include "exporters/render/gzip.hpp"
#include "os/file_pieces.hpp"

namespace autotune::cli {

Status read_text_in_pieces(const std::string& path, const std::function<Status(std::string_view)>& take) {
    std::optional<render::Gunzip> packed;
    bool first = true, refused = false;  // by `take`, whose words stay as they are
    const auto give = [&](std::string_view piece) -> Status {
        Status taken = take(piece);
        refused = !taken;
        return taken;
    };
    Status read = read_in_pieces(path == "-" ? "/dev/stdin" : path, [&](std::string_view piece) -> Status {
        if (std::exchange(first, false) && render::is_gzip(piece)) packed.emplace();
        return packed ? packed->feed(piece, give) : give(piece);
    });
    if (read && packed) read = packed->finish();
    if (read || refused || read.error().code != Errc::corrupt) return read;
    return read.forward(shown_path(path));  // the system's errors name it already
}

std::string shown_path(const std::string& path) { return path == "-" ? "standard input" : path; }

}  // namespace autotune::cli
