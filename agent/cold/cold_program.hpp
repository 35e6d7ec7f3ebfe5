// ColdProgram: bpf/cold.bpf.c, loaded and attached, and the places in programs that are marked. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bpf/cold_wire.h"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::cold {

class ColdProgram {
public:
    // Errors: unsupported, permission_denied, with what is missing.
    static Result<ColdProgram> load();
    ~ColdProgram();
    ColdProgram(ColdProgram&&) noexcept;
    ColdProgram& operator=(ColdProgram&&) noexcept;

    // This process, and all that it starts.
    Status watch(std::int32_t pid);
    // The file's starts are marked from here on, in every process that runs it; once a file. What of it could not be
    // marked is in the remark; "" when all is. Errors: as of find_start_places().
    Result<std::string> mark(const std::string& path);

    // Waits at most so long for marks, and gives them.
    Status drain(Nanos wait, const std::function<void(const at_cold_mark&)>& on_mark);
    [[nodiscard]] std::uint64_t lost() const;

private:
    struct State;
    explicit ColdProgram(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace autotune::cold
