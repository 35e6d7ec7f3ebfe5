#include "agent/doctor/doctor.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <iterator>

#include "agent/doctor/checks.hpp"
#include "agent/doctor/kernel_probes.hpp"
#include "agent/doctor/verdict.hpp"

namespace autotune::doctor {

Diagnosis diagnose() {
    Diagnosis d;
    utsname name{};
    uname(&name);
    d.kernel = std::string(name.release) + ' ' + name.machine;
    for (auto* part : {check_user, check_kernel, check_surroundings})
        std::ranges::move(part(), std::back_inserter(d.checks));
    d.costs = measure_costs();
    conclude(d);
    return d;
}

}  // namespace autotune::doctor
