// Labels and annotations of a Message, as Alertmanager's formats have them. For the .cpp files of the forms only: it brings a
// JSON library.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "exporters/message.hpp"

namespace autotune::exporters {

// Which alert this is.
[[nodiscard]] nlohmann::json labels_of(const Message& message);
// What there is to know about it.
[[nodiscard]] nlohmann::json annotations_of(const Message& message);

}  // namespace autotune::exporters
