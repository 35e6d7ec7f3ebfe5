#include "agent/bpf/libbpf_log.hpp"

#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>

namespace autotune {
namespace {

constexpr std::size_t kKept = 2000;  // the verifier's log ends with the reason

thread_local std::string* collector = nullptr;

int collect(libbpf_print_level level, const char* format, va_list arguments) {
    if (level != LIBBPF_WARN || collector == nullptr) return 0;
    char line[1024];
    vsnprintf(line, sizeof line, format, arguments);
    collector->append(line);
    if (collector->size() > 2 * kKept) collector->erase(0, collector->size() - kKept);
    return 0;
}

std::string last_lines(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.size() > kKept ? "…" + text.substr(text.size() - kKept) : text;
}

}  // namespace

LibbpfLog::LibbpfLog() {
    collector = &text_;
    libbpf_set_print(collect);
}

LibbpfLog::~LibbpfLog() { collector = nullptr; }

Error LibbpfLog::explain(std::string_view doing, int errno_value) const {
    if (errno_value == EPERM || errno_value == EACCES) {
        const std::string_view remedy =
            geteuid() == 0
                ? "the kernel refuses BPF to this container or is locked down; it needs CAP_BPF and "
                  "CAP_PERFMON"
                : "run as root, or with CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH";
        return errno_error(doing, errno_value).with_context(remedy);
    }
    if (text_.find("valid kernel BTF") != std::string::npos)
        return {Errc::unsupported,
                std::string(doing) +
                    ": this kernel's types cannot be read (BTF, /sys/kernel/btf/vmlinux); it "
                    "must be built with CONFIG_DEBUG_INFO_BTF=y"};
    Error error = errno_error(doing, errno_value);
    error.code = Errc::unsupported;
    if (!text_.empty()) error.message += "; libbpf: " + last_lines(text_);
    return error;
}

}  // namespace autotune
