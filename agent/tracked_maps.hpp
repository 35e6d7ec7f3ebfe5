// The maps of what is watched (bpf/wire.h), for another BPF object that looks at the same processes. Borrowed:
// valid as long as the source that filled them. -1: none.
#pragma once

namespace autotune {

struct TrackedMaps {
    int cgroups = -1;
    int processes = -1;
};

}  // namespace autotune
