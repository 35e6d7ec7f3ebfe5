// MappingEvents: executable mappings and new programs of all processes of the machine, heard as they come: what is
// mapped where by then is known also of a process that has gone since, and of a library that took another one's place.
//
// By software events of perf, one a CPU, with a ring of 64 KiB each. Costs what happens: nothing while no code is mapped. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "agent/symbols/mapping_record.hpp"
#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune::symbols {

class MappingEvents {
public:
    // Errors: what the kernel refuses them with (permission_denied, unsupported).
    [[nodiscard]] static Result<MappingEvents> open();
    MappingEvents(MappingEvents&&) noexcept;
    MappingEvents& operator=(MappingEvents&&) noexcept;
    ~MappingEvents();

    // Appends what has come since the last call, by time.
    void drain(std::vector<NewMapping>& to);
    // Each readable when something has come.
    [[nodiscard]] std::vector<int> ready_fds() const;
    // Records that found no room.
    [[nodiscard]] std::uint64_t lost() const { return lost_; }

private:
    struct Ring;
    explicit MappingEvents(std::vector<std::unique_ptr<Ring>> rings);

    std::vector<std::unique_ptr<Ring>> rings_;
    std::uint64_t lost_ = 0;
};

}  // namespace autotune::symbols
