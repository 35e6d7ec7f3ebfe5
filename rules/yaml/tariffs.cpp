#include "rules/yaml/tariffs.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "rules/cost/tariff.hpp"
#include "rules/suggest.hpp"

namespace autotune::rules {

Result<std::shared_ptr<const Tariff>> TariffShelf::find(const std::string& name, const std::string& path) {
    if (name.ends_with(".yaml") || name.ends_with(".yml")) {
        auto& kept = read_[path];
        if (kept) return kept;
        if (!read_file_) return fail(Errc::unsupported, "files of tariffs cannot be read here");
        const auto text = read_file_(path);
        if (!text) return text.forward();
        LoadedTariff loaded = load_tariff(*text);
        if (!loaded.tariff) {
            const auto wrong = std::find_if(loaded.diagnostics.begin(), loaded.diagnostics.end(),
                                            [](const Diagnostic& d) { return d.kind == Diagnostic::Kind::error; });
            return fail(Errc::invalid_argument, wrong == loaded.diagnostics.end() ? path + " is no tariff" : format(*wrong, path));
        }
        return kept = std::make_shared<const Tariff>(*std::move(loaded.tariff));
    }
    std::vector<std::string_view> names;
    if (known_)
        for (const Tariff& t : *known_) {
            if (t.name == name) return std::shared_ptr<const Tariff>(known_, &t);
            names.push_back(t.name);
        }
    return fail(Errc::not_found,
                "there is no tariff '" + name + "'" + did_you_mean(name, names) + " (autotune cost --list-tariffs)");
}

}  // namespace autotune::rules
