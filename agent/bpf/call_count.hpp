// System calls of one process and number that were counted so far.
#pragma once

#include "bpf/wire.h"

namespace autotune {

struct CallCount {
    at_call_key key{};
    at_call_count count{};
};

}  // namespace autotune
