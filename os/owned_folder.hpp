// OwnedFolder: a folder of temporary files that goes with its owner, also when that one is killed.
//
// Its owner holds a lock (flock) on a file in it, which the kernel lets go of when the process ends, however it does and
// in whatever pid namespace it is. So whoever makes the next folder in the same place can tell what is nobody's any
// more, and removes it. Left alone is what we cannot prove to be ours: what has no such file of this user, whatever its
// name, and what a process that still runs was given in its environment or has mapped.
//
// Move-only; one thread.
#pragma once

#include <string>

#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune {

class OwnedFolder {
public:
    // PLACE/autotune-XXXXXX, for this user only. Removes stale ones of this user there first. Errors: as of mkdtemp(3).
    [[nodiscard]] static Result<OwnedFolder> make(const std::string& place);

    OwnedFolder() = default;
    OwnedFolder(OwnedFolder&& other) noexcept;
    OwnedFolder& operator=(OwnedFolder&& other) noexcept;
    ~OwnedFolder();  // with all that is in it

    [[nodiscard]] const std::string& path() const { return path_; }  // "": none

private:
    std::string path_;
    Fd lock_;
};

}  // namespace autotune
