#include "agent/native/program_file.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "agent/native/nearest_names.hpp"
#include "agent/native/program_reader.hpp"
#include "agent/symbols/demangle.hpp"
#include "agent/symbols/elf_image.hpp"

namespace autotune::native {

namespace {

constexpr std::size_t kMostCode = 64 << 10;

using symbols::demangle;

std::string_view without_parameters(std::string_view plain) { return plain.substr(0, plain.find('(')); }

// Compilers move the rare part of a function elsewhere, as a symbol of its own.
bool is_part(std::string_view linkage_name) { return linkage_name.find(".cold") != std::string_view::npos; }

bool matches(const std::string& glob, const std::string& linkage_name) {
    if (fnmatch(glob.c_str(), linkage_name.c_str(), 0) == 0) return true;
    if (!linkage_name.starts_with("_Z")) return false;
    const std::string plain = demangle(linkage_name);
    return fnmatch(glob.c_str(), plain.c_str(), 0) == 0 ||
           fnmatch(glob.c_str(), std::string(without_parameters(plain)).c_str(), 0) == 0;
}

bool is_glob(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

}  // namespace

Result<ProgramFile> ProgramFile::open(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return unexpected(errno_error("opening " + path, errno));
    struct stat s {};
    if (fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode))
        return fail(Errc::invalid_argument, path + " is not a file");
    ProgramFile file;
    file.path_ = path;
    file.fd_ = std::move(fd);
    file.text_ = std::make_unique<std::string>();
    if (auto read = ProgramReader::fill(file); !read) return read.forward();
    return file;
}

ProgramFunction ProgramFile::describe(const Function& f) const {
    return {.address = f.address,
            .size = f.size,
            .file_offset = offset_of(f.address).value_or(0),
            .name = text_at(f.text)};
}

Result<std::vector<ProgramFunction>> ProgramFile::find(std::string_view glob) const {
    std::set<std::uint64_t> wanted;
    const std::string pattern(glob);
    for (const Name& n : names_)
        if (!is_part(text_at(n.text)) && matches(pattern, std::string(text_at(n.text)))) wanted.insert(n.address);
    std::vector<ProgramFunction> found;
    for (const Function& f : functions_)
        if (wanted.contains(f.address)) found.push_back(describe(f));
    if (found.empty()) return no_such(glob);
    return found;
}

Unexpected ProgramFile::no_such(std::string_view glob) const {
    const std::string wanted(glob);
    for (const std::uint32_t r : resolvers_)
        if (matches(wanted, std::string(text_at(r))))
            return fail(Errc::not_found, path_ + ": " + std::string(text_at(r)) +
                                             " is chosen when the program starts (IFUNC); name one of its "
                                             "implementations");
    if (variable(glob))
        return fail(Errc::not_found, path_ + ": " + wanted + " is a variable; say where to read it: " + path_ +
                                         ":FUNCTION " + wanted);
    if (functions_.empty())
        return fail(Errc::not_found, path_ + " is stripped: no function of it can be found by name");
    std::string message = path_ + " has no function " + (is_glob(glob) ? "like " : "") + wanted;
    std::vector<std::string> names;
    for (const Name& n : names_) names.emplace_back(without_parameters(demangle(text_at(n.text))));
    std::string near;
    for (const std::string& name : nearest_names(wanted, names)) near += (near.empty() ? "" : ", ") + name;
    if (!near.empty()) message += "; near: " + near;
    if (!full_table_) message += " (it is stripped: only what it exports can be named)";
    return fail(Errc::not_found, message);
}

std::optional<ProgramFunction> ProgramFile::at(std::uint64_t address) const {
    const auto after = std::ranges::upper_bound(functions_, address, {}, &Function::address);
    if (after == functions_.begin()) return std::nullopt;
    const Function& f = *std::prev(after);
    if (address - f.address >= f.size) return std::nullopt;
    return describe(f);
}

std::optional<ProgramFunction> ProgramFile::named(std::string_view linkage_name) const {
    for (const Name& n : names_)
        if (text_at(n.text) == linkage_name) return at(n.address);
    return std::nullopt;
}

std::optional<ProgramVariable> ProgramFile::variable(std::string_view name) const {
    for (const auto& [text, variable] : variables_)
        if (text_at(text) == name || demangle(text_at(text)) == name) return variable;
    return std::nullopt;
}

std::vector<std::byte> ProgramFile::read(std::uint64_t file_offset, std::size_t most) const {
    std::vector<std::byte> bytes(most);
    std::size_t got = 0;
    while (got < most) {
        const ssize_t n = pread(fd_.get(), bytes.data() + got, most - got, static_cast<off_t>(file_offset + got));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += static_cast<std::size_t>(n);
    }
    bytes.resize(got);
    return bytes;
}

std::vector<std::byte> ProgramFile::code(const ProgramFunction& function) const {
    return read(function.file_offset, std::min<std::uint64_t>(function.size, kMostCode));
}

std::optional<std::uint64_t> ProgramFile::offset_of(std::uint64_t address) const {
    for (const Segment& s : segments_)
        if (s.address <= address && address - s.address < s.size) return s.offset + (address - s.address);
    return std::nullopt;
}

Result<ProbeSite> find_probe_site(const std::string& path, std::string_view function) {
    const auto file = ProgramFile::open(path);
    if (!file) return file.forward();
    std::string exact;
    for (const char c : function) {
        if (std::string_view("*?[\\").find(c) != std::string_view::npos) exact += '\\';
        exact += c;
    }
    const auto found = file->find(exact);
    if (!found) return found.forward();
    const ProgramFunction& f = found->front();
    const std::vector<std::byte> code = file->code(f);
    ProbeSite site = choose_entry_site(code, this_machine(), long_nops_of_this_kernel());
    if (!takes_probe(code, site.into, this_machine()))
        return fail(Errc::unsupported,
                    path + ": " + exact + " begins with an instruction that takes no probe");
    site.file_offset = f.file_offset + site.into;
    return site;
}

}  // namespace autotune::native
