#include "core/provider.hpp"

namespace autotune {

Status Provider::set_lease(const FunctionRef&, const std::string&) {
    return fail(Errc::unsupported, "this platform keeps no leases");
}

}  // namespace autotune
