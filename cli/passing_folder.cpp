#include "cli/passing_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace autotune::cli {

namespace fs = std::filesystem;

Result<PassingFolder> PassingFolder::in(const fs::path& folder) {
    std::error_code trouble;
    fs::create_directories(folder, trouble);
    if (trouble) return unexpected(errno_error("making " + folder.string(), trouble.value()));
    std::string made = (folder / "autotune-XXXXXX").string();
    if (mkdtemp(made.data()) == nullptr) return unexpected(errno_error("making a folder in " + folder.string(), errno));
    return PassingFolder(made);
}

PassingFolder::~PassingFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace autotune::cli
