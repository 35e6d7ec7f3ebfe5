// PythonAllocations: the library that tells CPython's allocations, in a command and in processes that run, and what it tells.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/inject/injection.hpp"
#include "agent/runtime/allocation_files.hpp"
#include "agent/runtime/launch.hpp"
#include "cli/profile_live.hpp"
#include "core/event.hpp"
#include "core/result.hpp"
#include "os/owned_folder.hpp"

namespace autotune::cli {

// One thread. The library does nothing any more when this ends.
class PythonAllocations {
public:
    // Of target.python_memory; with a target.function also when they were. Errors: of the folders for files in memory.
    [[nodiscard]] static Result<PythonAllocations> prepare(const ProfileTarget& target);

    // What a command that is to be told needs. Empty: there is none.
    [[nodiscard]] std::vector<std::string> environment() const;
    // From now on; what the process was given before is not known. Errors: as of inject::Injection::begin and
    // runtime::AllocationFiles::watch.
    Status bring_into(std::int32_t pid);

    void look() { files_->look(); }
    void look(EventBatch& batch) { files_->look(batch); }
    // Nothing is told any more; all that was is read.
    void finish();
    void finish(EventBatch& batch);

    [[nodiscard]] const runtime::AllocationFiles& files() const { return *files_; }
    // What people should know, a line each. After finish(), once.
    [[nodiscard]] std::vector<std::string> notes();
    // Why no process told anything.
    [[nodiscard]] Error nothing_told();
    [[nodiscard]] Profile take(std::string title) && { return std::move(*files_).take(std::move(title)); }

private:
    PythonAllocations() = default;
    [[nodiscard]] const std::vector<runtime::Refusal>& refusals();

    const ProfileTarget* target_ = nullptr;
    runtime::PythonProbes probes_;
    OwnedFolder folder_;
    std::optional<runtime::Launch> launch_;
    std::unique_ptr<runtime::AllocationFiles> files_;
    std::vector<inject::Injection> injections_;
    std::vector<runtime::Refusal> refusals_;
};

}  // namespace autotune::cli
