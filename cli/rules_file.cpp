#include "cli/rules_file.hpp"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "cli/cost_files.hpp"

namespace autotune::cli {

Result<std::string> read_file(const std::string& name) {
    errno = 0;
    std::ifstream in(name, std::ios::binary);
    std::ostringstream text;
    // A folder opens and then does not read; an empty file leaves failbit on `text` alone.
    if (in && in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
    if (!in.is_open() || in.bad()) return unexpected(errno_error("reading " + name, errno ? errno : EIO));
    return text.str();
}

Result<rules::Loaded> load_rules_file(const std::string& file) {
    const auto text = read_file(file);
    if (!text) return text.forward();
    auto tariffs = known_tariffs({});
    if (!tariffs) return tariffs.forward();
    rules::Loaded loaded =
        rules::load(*text, file, read_file, std::make_shared<const std::vector<Tariff>>(*std::move(tariffs)));
    for (const rules::Diagnostic& d : loaded.diagnostics)
        std::fprintf(stderr, "%s\n", rules::format(d, file).c_str());
    return loaded;
}

}  // namespace autotune::cli
