#include "agent/symbols/thread_list.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "os/fd.hpp"

namespace autotune::symbols {

namespace {
struct DestroyLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
}  // namespace

Result<std::string> run_over_threads(const bpf_program* program) {
    const std::unique_ptr<bpf_link, DestroyLink> link(bpf_program__attach_iter(program, nullptr));
    if (!link) return unexpected(errno_error("attaching to the list of threads", errno));
    const Fd file(bpf_iter_create(bpf_link__fd(link.get())));
    if (!file) return unexpected(errno_error("opening the list of threads", errno));
    std::string text;
    char buffer[1 << 16];
    for (;;) {
        const ssize_t got = read(file.get(), buffer, sizeof buffer);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) return unexpected(errno_error("reading the list of threads", errno));
        if (got == 0) return text;
        text.append(buffer, static_cast<std::size_t>(got));
    }
}

}  // namespace autotune::symbols
