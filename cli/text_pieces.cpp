#include "cli/text_pieces.hpp"

#include <optional>
#include <utility>

#include "exporters/render/gzip.hpp"
#include "os/file.hpp"

namespace autotune::cli {

Status read_text_in_pieces(const std::string& path, const std::function<Status(std::string_view)>& take) {
    std::optional<render::Gunzip> packed;
    bool first = true;
    const Status read =
        read_in_pieces(path == "-" ? "/dev/stdin" : path, [&](std::string_view piece) -> Status {
            if (std::exchange(first, false) && render::is_gzip(piece)) packed.emplace();
            return packed ? packed->feed(piece, take) : take(piece);
        });
    if (!read) return read;
    return packed ? packed->finish() : ok();
}

std::string shown_path(const std::string& path) { return path == "-" ? "standard input" : path; }

}  // namespace autotune::cli
