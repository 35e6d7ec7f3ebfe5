#include "agent/bpf/libbpf_log.hpp"

#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>

namespace autotune {
namespace {

constexpr std::size_t kKept = 2000;  // the verifier's log ends with the reason

thread_local std::string* collector = nullptr;

int collect(libbpf_print_level level, const char* format, va_list arguments) {
    if (level != LIBBPF_WARN || collector == nullptr) return 0;
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(nullptr, 0, format, again);
    va_end(again);
    std::string line(static_cast<std::size_t>(std::max(length, 0)) + 1, '\0');
    vsnprintf(line.data(), line.size(), format, arguments);
    line.pop_back();
    collector->append(line);
    if (collector->size() > 2 * kKept) collector->erase(0, collector->size() - kKept);
    return 0;
}

std::string last_lines(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.size() > kKept ? "…" + text.substr(text.size() - kKept) : text;
}

bool is_bookkeeping(std::string_view line) {
    for (const std::string_view beginning : {"processed ", "verification time ", "stack depth ", "mark_precise"})
        if (line.starts_with(beginning)) return true;
    return line.find_first_not_of(" -") == std::string_view::npos;
}

}  // namespace

std::string verifier_reason(std::string_view log) {
    const auto end = log.rfind("-- END PROG LOAD LOG --");
    if (end == std::string_view::npos) return {};
    std::string_view text = log.substr(0, end);
    while (!text.empty()) {
        const auto newline = text.rfind('\n');
        const std::string_view line = newline == std::string_view::npos ? text : text.substr(newline + 1);
        if (line.find("-- BEGIN PROG LOAD LOG --") != std::string_view::npos) break;
        if (!is_bookkeeping(line)) return std::string(line);
        if (newline == std::string_view::npos) break;
        text = text.substr(0, newline);
    }
    return "it does not say why";
}

LibbpfLog::LibbpfLog() {
    collector = &text_;
    libbpf_set_print(collect);
}

LibbpfLog::~LibbpfLog() { collector = nullptr; }

Error LibbpfLog::explain(std::string_view doing, int errno_value) const {
    // Before the permissions: it refuses with the same errors.
    if (const std::string reason = verifier_reason(text_); !reason.empty())
        return {Errc::unsupported, std::string(doing) + ": this kernel's verifier refuses a program of ours: " +
                                       reason + " (a defect of autotune: please report it)"};
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
