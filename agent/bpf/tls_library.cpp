#include "agent/bpf/tls_library.hpp"

#include <gelf.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string_view>

#include "agent/native/program_file.hpp"
#include "agent/native/x86_instruction.hpp"
#include "bpf/logic/tls.h"

namespace autotune {
namespace {

struct CloseElf {
    void operator()(Elf* elf) const { elf_end(elf); }
};

// What a program without OpenSSL, or one that only imports it, lacks among its functions.
constexpr std::string_view kTelltale = "SSL_do_handshake";

constexpr std::size_t kCodeRead = 512;  // of a function without a symbol

// By offset in the file.
void add(TlsSites& sites, const native::ProgramFile& file, std::uint64_t offset, at_tls_call call) {
    const native::ProbeSite site = native::choose_entry_site(file.read(offset, kCodeRead), native::this_machine(),
                                                             native::long_nops_of_this_kernel());
    sites.offsets.push_back(offset + site.into);
    sites.cookies.push_back(call);
    if (call == AT_TLS_FREE) return;
    sites.return_offsets.push_back(offset + site.into);
    sites.return_cookies.push_back(call);
}

// Where the first call of the code goes, when nothing is before it that could change its arguments: only endbr64, and
// room that is made on the stack. Relative to the code's beginning.
std::optional<std::int64_t> wrapped_call(std::span<const std::byte> code) {
    constexpr std::array kMakeRoom{std::byte{0x48}, std::byte{0x83}, std::byte{0xec}};  // sub $N,%rsp
    std::size_t at = 0;
    while (at < code.size()) {
        const auto i = native::decode_x86(code.subspan(at));
        if (!i) return std::nullopt;
        const auto bytes = code.subspan(at, i->length);
        at += i->length;
        if (i->flow == native::Flow::call) return static_cast<std::int64_t>(at) + i->displacement;
        const bool makes_room = bytes.size() == 4 && std::ranges::equal(bytes.first(3), kMakeRoom);
        if (!makes_room && !i->is_endbr) return std::nullopt;
    }
    return std::nullopt;
}

bool calls(std::span<const std::byte> code, std::int64_t target) {
    for (std::size_t at = 0; at < code.size();) {
        const auto i = native::decode_x86(code.subspan(at));
        if (!i) return false;
        at += i->length;
        if (i->flow == native::Flow::call && static_cast<std::int64_t>(at) + i->displacement == target) return true;
    }
    return false;
}

// A stub that goes on to where the function really is.
bool is_stub(std::span<const std::byte> code) {
    for (std::size_t at = 0; at < code.size();) {
        const auto i = native::decode_x86(code.subspan(at));
        if (!i || i->flow == native::Flow::indirect_jump) return true;
        if (!i->is_endbr) return false;
        at += i->length;
    }
    return true;
}

/*
 * OpenSSL's SSL_read_ex does nothing but call a function of the library's own that takes the same arguments, and
 * SSL_read and the BIOs call it too. Where the code says so that one is probed: it is one place for all, and as a
 * rule begins with an instruction that is cheap to probe, which the wrappers do not.
 */
void add_pair(TlsSites& sites, const native::ProgramFile& file, std::string_view plain_name, at_tls_call plain,
              std::string_view ex_name, at_tls_call ex) {
    const auto function = file.named(plain_name), wrapper = file.named(ex_name);
    std::optional<std::uint64_t> inner;
    if (wrapper && native::this_machine() == native::Machine::x86_64) {
        if (const auto target = wrapped_call(file.code(*wrapper))) {
            inner = file.offset_of(wrapper->address + static_cast<std::uint64_t>(*target));
            if (inner && is_stub(file.read(*inner, kCodeRead))) inner.reset();
        }
    }
    if (wrapper) add(sites, file, inner.value_or(wrapper->file_offset), ex);
    if (!function) return;
    const auto to_inner = inner ? static_cast<std::int64_t>(*inner - function->file_offset) : 0;
    if (!inner || !calls(file.code(*function), to_inner)) add(sites, file, function->file_offset, plain);
}

// Is the name in one of the file's string tables?
bool is_named(int fd, std::string_view name) {
    elf_version(EV_CURRENT);
    const std::unique_ptr<Elf, CloseElf> elf(elf_begin(fd, ELF_C_READ_MMAP, nullptr));
    if (!elf || elf_kind(elf.get()) != ELF_K_ELF) return false;
    for (Elf_Scn* section = elf_nextscn(elf.get(), nullptr); section != nullptr;
         section = elf_nextscn(elf.get(), section)) {
        GElf_Shdr header{};
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_STRTAB) continue;
        const Elf_Data* data = elf_rawdata(section, nullptr);
        if (data == nullptr || data->d_buf == nullptr) continue;
        const std::string_view text(static_cast<const char*>(data->d_buf), data->d_size);
        if (text.find(name) != std::string_view::npos) return true;
    }
    return false;
}

}  // namespace

Result<std::optional<TlsSites>> find_tls_sites(int fd, const std::string& path) {
    if (!is_named(fd, kTelltale)) return std::optional<TlsSites>();
    const auto file = native::ProgramFile::open(path);
    if (!file) return file.forward();
    TlsSites sites;
    add_pair(sites, *file, "SSL_read", AT_TLS_READ, "SSL_read_ex", AT_TLS_READ_EX);
    add_pair(sites, *file, "SSL_write", AT_TLS_WRITE, "SSL_write_ex", AT_TLS_WRITE_EX);
    if (sites.offsets.empty()) return std::optional<TlsSites>();  // it only calls them
    if (const auto f = file->named("SSL_sendfile")) add(sites, *file, f->file_offset, AT_TLS_SENDFILE);
    if (const auto f = file->named(kTelltale)) add(sites, *file, f->file_offset, AT_TLS_HANDSHAKE);
    if (const auto f = file->named("SSL_free")) add(sites, *file, f->file_offset, AT_TLS_FREE);
    return std::optional(std::move(sites));
}

}  // namespace autotune
