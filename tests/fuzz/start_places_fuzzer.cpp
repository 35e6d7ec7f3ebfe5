// A file that is said to be a Python interpreter, searched for the places where its start can be marked.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "agent/cold/start_places.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const int fd = ::memfd_create("python3.11", MFD_CLOEXEC);
    if (fd < 0) return 0;
    const bool whole = ::write(fd, data, size) == static_cast<ssize_t>(size);
    if (whole) {
        const auto places = cold::find_start_places("/proc/self/fd/" + std::to_string(fd));
        if (places) {
            fuzz::require(places->import_begins.has_value() == places->import_ends.has_value(), "both or none");
            fuzz::require(!places->entry || *places->entry < size, "a place is in the file");
        }
    }
    ::close(fd);
    return 0;
}
