// Labels and annotations of a Message, as Alertmanager's formats have them. Pure.
#pragma once

#include <map>
#include <string>

#include "exporters/message.hpp"

namespace autotune::exporters {

// Which alert this is.
[[nodiscard]] std::map<std::string, std::string> labels_of(const Message& message);
// What there is to know about it.
[[nodiscard]] std::map<std::string, std::string> annotations_of(const Message& message);

}  // namespace autotune::exporters
