#include "agent/runtime/launch.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "os/file.hpp"
#include "runtimes/libraries.hpp"
#include "runtimes/ring.h"

namespace autotune::runtime {
namespace {

constexpr const char* kPythonLibrary = "libautotune_python.so";
constexpr const char* kNativeLibrary = "libautotune_native.so";

// /dev/shm often may not be executed from, /tmp sometimes. LD_PRELOAD is cut at blanks and colons.
Result<OwnedFolder> make_folder_of_programs() {
    const char* wished = std::getenv("TMPDIR");
    for (std::string place : {std::string(wished != nullptr ? wished : ""), std::string("/tmp"),
                              std::string("/var/tmp"), std::string("/dev/shm")}) {
        struct statvfs info {};
        if (!place.starts_with('/') || place.find_first_of(" :") != std::string::npos) continue;
        if (statvfs(place.c_str(), &info) != 0 || (info.f_flag & ST_NOEXEC) != 0) continue;
        auto folder = OwnedFolder::make(place);
        // A program that changes its user starts others that need the files still.
        if (folder && chmod(folder->path().c_str(), 0755) == 0) return folder;
    }
    return fail(Errc::unavailable, "neither /tmp nor /var/tmp takes a file that may be executed");
}

Status write_library(const std::string& path, std::string_view bytes) {
    if (auto written = replace_file(path, bytes); !written) return written.forward();
    return chmod(path.c_str(), 0755) == 0 ? ok() : Status(unexpected(errno_error(path, errno)));
}

}  // namespace

Result<Launch> Launch::prepare(const LaunchOptions& options) {
    const auto python_text = python_options(options.python);
    if (!python_text) return python_text.forward();
    auto files = make_folder_of_programs();
    if (!files) return files.forward();
    Launch launch;
    launch.files_ = *std::move(files);
    launch.rings_ = options.folder;
    const std::string python = launch.files() + "/" + kPythonLibrary;
    const std::string native = launch.files() + "/" + kNativeLibrary;
    if (Status s = write_library(python, runtimes::python_library()); !s) return s.forward();
    if (options.native)
        if (Status s = write_library(native, runtimes::native_library()); !s) return s.forward();
    const std::string libraries = options.native ? python + ":" + native : python;
    const char* preload = std::getenv("LD_PRELOAD");
    launch.environment_ = {
        std::string(AT_RING_ENVIRONMENT) + "=" + options.folder,
        "AUTOTUNE_PYTHON=" + *python_text,
        "LD_PRELOAD=" + libraries + (preload != nullptr && *preload != '\0' ? std::string(":") + preload : ""),
    };
    return launch;
}

Launch::Launch(Launch&& other) noexcept { *this = std::move(other); }

Launch& Launch::operator=(Launch&& other) noexcept {
    std::swap(files_, other.files_);
    std::swap(rings_, other.rings_);
    std::swap(environment_, other.environment_);
    std::swap(told_, other.told_);
    return *this;
}

Launch::~Launch() = default;

std::vector<Refusal> Launch::refusals() {
    std::vector<Refusal> found;
    std::error_code error;
    for (std::filesystem::directory_iterator it(rings_, error), last; !error && it != last; it.increment(error)) {
        const std::string name = it->path().filename();
        if (!name.ends_with(".refused") || !it->is_regular_file(error) || it->is_symlink(error)) continue;
        if (!told_.insert(name).second) continue;
        Refusal refusal;
        std::from_chars(name.data(), name.data() + name.size(), refusal.pid);
        if (auto text = read_file(it->path())) refusal.reason = text->substr(0, 200);
        found.push_back(refusal);
    }
    return found;
}

}  // namespace autotune::runtime
