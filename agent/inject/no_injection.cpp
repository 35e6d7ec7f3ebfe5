#include "agent/inject/injection.hpp"

namespace autotune::inject {

struct Injection::State {
    std::string ring;
};

Injection::Injection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Injection::Injection(Injection&&) noexcept = default;
Injection& Injection::operator=(Injection&&) noexcept = default;
Injection::~Injection() = default;

Result<Injection> Injection::begin(pid_t, const InjectionOptions&) {
    return fail(Errc::unsupported, "a library can be loaded into running processes on x86-64 only");
}
const std::string& Injection::ring() const { return state_->ring; }
Status Injection::end() { return ok(); }

}  // namespace autotune::inject
