// Whatever a file says of itself, it is a program or not; its functions have their code inside it.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "agent/native/program_file.hpp"
#include "agent/native/return_probes.hpp"
#include "os/fd.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const Fd fd(memfd_create("program", MFD_CLOEXEC));
    if (!fd || write(fd.get(), data, size) != static_cast<ssize_t>(size)) return 0;
    const auto file = native::ProgramFile::open("/proc/self/fd/" + std::to_string(fd.get()));
    if (!file) {
        fuzz::require(file.error().message.find('\n') == std::string::npos, "an error is one line");
        return 0;
    }
    (void)native::end_rule(*file);
    (void)file->variable("watched");
    const auto all = file->find("*");
    if (!all) return 0;
    for (const native::ProgramFunction& f : *all) {
        fuzz::require(!f.name.empty(), "a function has a name");
        fuzz::require(file->code(f).size() <= f.size, "code is of the function");
        (void)file->at(f.address);
        (void)native::end_rule(f.name);
    }
    return 0;
}
