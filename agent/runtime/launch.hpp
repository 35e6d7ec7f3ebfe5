// Launch: a program is started with probes in it, and so is all that it starts.
//
// The libraries of probes are written to a folder of their own and named to the dynamic linker by the environment
// (LD_PRELOAD): whatever starts a Python (a script's first line, `-m`, a virtual environment, a shell, a child
// process) starts it with them. What is no such runtime is left as it was. Programs that are linked statically or
// gain privileges by being started are not reached: the dynamic linker sees to that.
//
// Move-only; one thread. The files are removed with it: not before the programs that it started have ended, else
// the dynamic linker tells those they start afterwards that it misses a file.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "agent/runtime/python_watch.hpp"
#include "core/result.hpp"
#include "os/owned_folder.hpp"

namespace autotune::runtime {

struct LaunchOptions {
    std::string folder;  // of rings, see make_ring_folder()
    PythonProbes python;
    bool native = true;  // programs that were built for it tell their calls too
};

// A process in which probes could not begin.
struct Refusal {
    std::int32_t pid = 0;  // in its own pid namespace
    std::string reason;
};

class Launch {
public:
    // Errors: unavailable when there is no folder whose files may be executed; those of python_options().
    [[nodiscard]] static Result<Launch> prepare(const LaunchOptions& options);
    Launch(Launch&& other) noexcept;
    Launch& operator=(Launch&& other) noexcept;
    ~Launch();

    // "NAME=value", in place of the same names of our own environment.
    [[nodiscard]] const std::vector<std::string>& environment() const { return environment_; }

    // Where the libraries are.
    [[nodiscard]] const std::string& files() const { return files_.path(); }

    // Since the last call.
    [[nodiscard]] std::vector<Refusal> refusals();

private:
    Launch() = default;
    OwnedFolder files_;  // libraries
    std::string rings_;
    std::vector<std::string> environment_;
    std::set<std::string> told_;
};

}  // namespace autotune::runtime
