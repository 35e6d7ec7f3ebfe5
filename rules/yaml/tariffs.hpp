// The tariffs that a rules file may name: those that are known, and files beside it. Internal to yaml/.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/cost_model.hpp"
#include "core/result.hpp"
#include "rules/yaml/load.hpp"

namespace autotune::rules {

class TariffShelf {
public:
    // What it is given outlives it; `known` may be null.
    TariffShelf(Tariffs known, const FileReader& read_file) : known_(std::move(known)), read_file_(read_file) {}

    // By name, or of a file that ends in .yaml or .yml, by its path. Errors: not_found, with the name that may be meant; what
    // is wrong with the file.
    [[nodiscard]] Result<std::shared_ptr<const Tariff>> find(const std::string& name, const std::string& path);

private:
    Tariffs known_;
    const FileReader& read_file_;
    std::map<std::string, std::shared_ptr<const Tariff>> read_;  // by path
};

}  // namespace autotune::rules
