#include "cli/text_output.hpp"

#include <cstdio>

#include "os/file.hpp"

namespace autotune::cli {

Status write_text(const std::string& path, std::string_view text) {
    if (!path.empty() && path != "-") return replace_file(path, text);
    const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    return whole && std::fflush(stdout) == 0 ? ok()
                                             : fail(Errc::unavailable, "writing to standard output failed");
}

}  // namespace autotune::cli
