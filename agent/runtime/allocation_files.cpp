#include "agent/runtime/allocation_files.hpp"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace autotune::runtime {

Status AllocationFiles::watch(const std::string& path, std::int32_t pid) {
    auto file = RingFile::open(path, RingPlace::process);
    if (!file) return file.forward();
    if (file->header().kind != AT_RING_ALLOCATIONS)
        return fail(Errc::unsupported, path + " tells calls, not allocations: is an older autotune's library in the process?");
    adopt(*std::move(file), pid, "");
    return ok();
}

void AllocationFiles::look() {
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder_, error), last; !error && it != last; it.increment(error)) {
        const std::string path = it->path();
        if (!path.ends_with(".allocations") || known_.contains(path)) continue;
        auto file = RingFile::open(path, RingPlace::folder);
        // Unavailable: it is being made.
        if (!file && (file.error().code == Errc::unavailable || file.error().code == Errc::not_found)) continue;
        known_.insert(path);
        if (file && file->header().kind == AT_RING_ALLOCATIONS)
            adopt(*std::move(file), 0, path);
        else
            ++refused_;
    }
    for (Process& one : open_)
        if (one.replaced || !one.process.running()) read(one);
    std::erase_if(open_, [](const Process& one) { return one.done; });
}

void AllocationFiles::adopt(RingFile file, std::int32_t pid, const std::string& path) {
    TracedProcess process = TracedProcess::find(file.header(), pid);
    for (Process& other : open_) other.replaced |= other.process.id() == process.id();
    open_.push_back({.process = std::move(process), .file = std::move(file), .path = path});
    ++processes_;
}

void AllocationFiles::read(Process& one) {
    if (one.file.refresh()) tree_.add(one.file);
    if (!one.path.empty()) unlink(one.path.c_str());
    known_.erase(one.path);
    one.done = true;
}

void AllocationFiles::finish() {
    look();
    for (const Process& one : open_) one.file.set_mode(AT_RING_OFF);
    for (Process& one : open_) read(one);
    open_.clear();
}

}  // namespace autotune::runtime
