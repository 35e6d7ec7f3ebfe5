// Whatever a file says of its symbols and however its code goes on: OpenSSL is in it or not, and is probed within it.
#include "agent/bpf/tls_library.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "os/fd.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const Fd fd(memfd_create("library", MFD_CLOEXEC));
    if (!fd || write(fd.get(), data, size) != static_cast<ssize_t>(size)) return 0;
    const auto sites = find_tls_sites(fd.get(), "/proc/self/fd/" + std::to_string(fd.get()));
    if (!sites) {
        fuzz::require(sites.error().message.find('\n') == std::string::npos, "an error is one line");
        return 0;
    }
    if (!*sites) return 0;
    const TlsSites& s = **sites;
    fuzz::require(!s.offsets.empty() && s.offsets.size() == s.cookies.size(), "a place has a meaning");
    fuzz::require(s.return_offsets.size() == s.return_cookies.size(), "so has a return");
    return 0;
}
