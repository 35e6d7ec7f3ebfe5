// Who calls, for the journal: the person before sudo, if there is one.
#pragma once

#include <string>

namespace autotune::cli {

[[nodiscard]] std::string caller();  // "somebody" when nobody says

}  // namespace autotune::cli
