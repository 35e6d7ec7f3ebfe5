// The catalogue as people and programs read it.
#pragma once

#include <span>
#include <string>

#include "knowledge/catalogue.hpp"

namespace autotune::cli {

[[nodiscard]] std::string catalogue_text(std::span<const RemedyRecord> experience);
[[nodiscard]] std::string catalogue_markdown(std::span<const RemedyRecord> experience);
// {"symptoms":[{"name","sign","means","facts":[…],"evidence":[…],"remedies":[{"name","what","by","record":{…}}]}]}; one line.
// A remedy that was tried and is not in the catalogue has "what":null.
[[nodiscard]] std::string catalogue_json(std::span<const RemedyRecord> experience);

}  // namespace autotune::cli
