#include "agent/inject/target.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <span>
#include <system_error>
#include <vector>

#include "agent/symbols/elf_image.hpp"
#include "os/fd.hpp"
#include "os/file.hpp"
#include "runtimes/libraries.hpp"

namespace autotune::inject {
namespace {

using symbols::ElfImage;
using symbols::Mapping;

std::string proc(pid_t pid, std::string_view what) { return "/proc/" + std::to_string(pid) + "/" + std::string(what); }
std::string called(pid_t pid) { return "process " + std::to_string(pid); }

// Of /proc/PID/status: the numbers after `key`, first one.
std::optional<unsigned long> status_number(std::string_view status, std::string_view key, int base = 10) {
    const std::size_t at = status.find("\n" + std::string(key) + ":");
    if (at == std::string_view::npos) return std::nullopt;
    status.remove_prefix(at + key.size() + 2);
    status.remove_prefix(std::min(status.find_first_not_of(" \t"), status.size()));
    unsigned long number = 0;
    const auto [end, error] = std::from_chars(status.data(), status.data() + status.size(), number, base);
    return error == std::errc() ? std::optional(number) : std::nullopt;
}

Status check_machine(pid_t pid) {
    const Fd exe(::open(proc(pid, "exe").c_str(), O_RDONLY | O_CLOEXEC));
    Elf64_Ehdr header{};
    if (!exe) {
        if (errno == EACCES || errno == EPERM)
            return fail(Errc::permission_denied, called(pid) + " is another user's");
        return fail(Errc::not_found, called(pid) + " has no program: it is the kernel's, or has ended");
    }
    if (::pread(exe.get(), &header, sizeof header, 0) != sizeof header || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_machine != EM_X86_64)
        return fail(Errc::unsupported, called(pid) + " is of another architecture than x86-64");
    std::vector<Elf64_Phdr> parts(header.e_phnum < 256 ? header.e_phnum : 0);
    const ssize_t size = static_cast<ssize_t>(parts.size() * sizeof(Elf64_Phdr));
    if (::pread(exe.get(), parts.data(), static_cast<std::size_t>(size), static_cast<off_t>(header.e_phoff)) != size)
        return fail(Errc::unsupported, called(pid) + " has a program that cannot be read");
    for (const Elf64_Phdr& part : parts) {
        if (part.p_type != PT_INTERP) continue;
        std::array<char, 256> linker{};
        (void)!::pread(exe.get(), linker.data(), linker.size() - 1, static_cast<off_t>(part.p_offset));
        if (std::string_view(linker.data()).find("ld-musl") != std::string_view::npos)
            return fail(Errc::unsupported, called(pid) + " runs with musl, the library is for glibc");
        return ok();
    }
    return fail(Errc::unsupported, called(pid) + " is linked statically: nothing can be loaded into it");
}

// The mapped file itself, not what has its name now.
Result<ElfImage> image_of(pid_t pid, const Mapping& mapping) {
    Fd fd(::open(proc(pid, "root" + mapping.path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0 || info.st_ino != mapping.inode) {
        std::array<char, 64> range{};
        std::snprintf(range.data(), range.size(), "map_files/%lx-%lx", mapping.start, mapping.end);
        fd = Fd(::open(proc(pid, range.data()).c_str(), O_RDONLY | O_CLOEXEC));
    }
    if (!fd) return unexpected(errno_error(mapping.path + " of " + called(pid), errno));
    return ElfImage::read(fd.get());
}

std::optional<std::uint64_t> address_in(const ElfImage& image, const Mapping& mapping, std::string_view symbol) {
    const auto there = image.address_of(symbol);
    const auto start = image.address_of_offset(mapping.offset);
    if (!there || !start) return std::nullopt;
    return mapping.start + (*there - *start);
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Result<symbols::ProcessMaps> Target::maps() const {
    auto text = read_file(proc(pid_, "maps"));
    if (!text) return text.forward();
    return symbols::ProcessMaps::parse(*text);
}

Result<Target> Target::look_at(pid_t pid) {
    const auto status = read_file(proc(pid, "status"));
    if (!status) return fail(Errc::not_found, "there is no process " + std::to_string(pid));
    if (pid == ::getpid()) return fail(Errc::invalid_argument, called(pid) + " is autotune itself");
    const auto user = status_number(*status, "Uid");
    if (::geteuid() != 0 && user != ::geteuid())
        return fail(Errc::permission_denied, called(pid) + " is another user's");
    if (const auto tracer = status_number(*status, "TracerPid"); tracer.value_or(0) != 0)
        return fail(Errc::conflict, called(pid) + " is traced by process " + std::to_string(*tracer) + " already");
    if (auto checked = check_machine(pid); !checked) return checked.forward();
    // The end of what we call there shows itself by SIGSEGV; the kernel would reset how it is treated.
    constexpr unsigned long kSegv = 1ul << (11 - 1);
    if ((status_number(*status, "SigIgn", 16).value_or(0) & kSegv) != 0)
        return fail(Errc::unsupported, called(pid) + " ignores SIGSEGV");
    Target target(pid);
    if (auto found = target.find_functions(); !found) return found.forward();
    return target;
}

Status Target::find_functions() {
    const auto all = maps();
    if (!all) return all.forward();
    std::vector<Mapping> interpreter;
    for (const Mapping& mapping : all->mappings()) {
        const std::string_view name = file_name(mapping.path);
        const bool libc = name.starts_with("libc.so.") || name.starts_with("libc-2.");
        const bool libdl = name.starts_with("libdl.so.") || name.starts_with("libdl-2.");
        const bool python = name.starts_with("libpython") || mapping.path == all->mappings().front().path;
        if (!mapping.has_file() || !(libc || libdl || python || name.starts_with("python"))) continue;
        const auto image = image_of(pid_, mapping);
        if (!image) return image.forward();
        const auto address = [&](std::string_view symbol) { return address_in(*image, mapping, symbol).value_or(0); };
        if (libc) {
            map_memory = address("mmap");
            system_call = address("syscall");
            error_number = address("__errno_location");
        }
        if (libc && open_library == 0) open_library = address("__libc_dlopen_mode");
        if (const std::uint64_t known = libc || libdl ? address("dlopen") : 0; known != 0) open_library = known;
        if (image->address_of("Py_GetVersion")) interpreter.push_back(mapping);
    }
    interpreter_ = symbols::ProcessMaps::of(interpreter);
    if (interpreter_.empty()) return fail(Errc::unsupported, called(pid_) + " has no CPython in it");
    if (map_memory == 0 || system_call == 0 || open_library == 0 || error_number == 0)
        return fail(Errc::unsupported, called(pid_) + " has no glibc that is known here");
    return ok();
}

bool Target::is_interpreter(std::uint64_t address) const { return interpreter_.find(address) != nullptr; }

std::optional<std::uint64_t> Target::in_library(std::string_view symbol) const {
    const auto all = maps();
    if (!all) return std::nullopt;
    for (const Mapping& mapping : all->mappings()) {
        if (mapping.path.find("autotune_python") == std::string::npos) continue;
        // The same bytes as ours, else nothing is where we think.
        const auto ours = ElfImage::read(runtimes::python_library());
        const auto theirs = image_of(pid_, mapping);
        if (!ours || !theirs || ours->build_id() != theirs->build_id()) return std::nullopt;
        return address_in(*ours, mapping, symbol);
    }
    return std::nullopt;
}

Status Target::read(std::uint64_t address, void* to, std::size_t bytes) const {
    iovec here{to, bytes}, there{reinterpret_cast<void*>(address), bytes};
    if (::process_vm_readv(pid_, &here, 1, &there, 1, 0) == static_cast<ssize_t>(bytes)) return ok();
    return unexpected(errno_error("reading memory of " + called(pid_), errno));
}

Status Target::write(std::uint64_t address, const void* from, std::size_t bytes) const {
    iovec here{const_cast<void*>(from), bytes}, there{reinterpret_cast<void*>(address), bytes};
    if (::process_vm_writev(pid_, &here, 1, &there, 1, 0) == static_cast<ssize_t>(bytes)) return ok();
    return unexpected(errno_error("writing memory of " + called(pid_), errno));
}

bool Target::shares_our_files() const {
    std::error_code error;
    const auto theirs = std::filesystem::read_symlink(proc(pid_, "ns/mnt"), error);
    return !error && theirs == std::filesystem::read_symlink("/proc/self/ns/mnt", error);
}

}  // namespace autotune::inject
