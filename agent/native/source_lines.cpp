#include "agent/native/source_lines.hpp"

#include <elfutils/libdw.h>
#include <fcntl.h>

#include <algorithm>
#include <functional>
#include <set>

#include "os/fd.hpp"

namespace autotune::native {

namespace {

constexpr std::uint32_t kFarthest = 8;  // lines after the wanted one that are still meant by it

struct EndDwarf {
    void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
};

bool ends_in(std::string_view path, std::string_view file) {
    if (file.starts_with("./")) file.remove_prefix(2);
    if (!path.ends_with(file)) return false;
    return path.size() == file.size() || file.starts_with('/') || path[path.size() - file.size() - 1] == '/';
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

struct SourceLines::State {
    Fd fd;
    std::unique_ptr<Dwarf, EndDwarf> dwarf;

    using OnLine =
        std::function<void(Dwarf_Line*, const char* file, std::uint32_t line, std::uint64_t address)>;

    void each_unit(const std::function<void(Dwarf_Die*)>& use) const {
        Dwarf_CU* unit = nullptr;
        Dwarf_Half version = 0;
        std::uint8_t type = 0;
        Dwarf_Die die;
        Dwarf_Die sub;
        while (dwarf && dwarf_get_units(dwarf.get(), unit, &unit, &version, &type, &die, &sub) == 0)
            use(&die);
    }

    static void each_line(Dwarf_Die* unit, const OnLine& use) {
        Dwarf_Lines* lines = nullptr;
        std::size_t count = 0;
        if (dwarf_getsrclines(unit, &lines, &count) != 0) return;
        for (std::size_t i = 0; i < count; ++i) {
            Dwarf_Line* line = dwarf_onesrcline(lines, i);
            bool ends = false;
            Dwarf_Addr address = 0;
            int number = 0;
            const char* file = line != nullptr ? dwarf_linesrc(line, nullptr, nullptr) : nullptr;
            if (file == nullptr || dwarf_lineendsequence(line, &ends) != 0 || ends) continue;
            if (dwarf_lineaddr(line, &address) != 0 || dwarf_lineno(line, &number) != 0 || number <= 0)
                continue;
            use(line, file, static_cast<std::uint32_t>(number), address);
        }
    }
};

SourceLines::SourceLines(const std::string& path) : state_(std::make_unique<State>()) {
    state_->fd = Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (state_->fd) state_->dwarf.reset(dwarf_begin(state_->fd.get(), DWARF_C_READ));
}
SourceLines::~SourceLines() = default;
SourceLines::SourceLines(SourceLines&&) noexcept = default;
SourceLines& SourceLines::operator=(SourceLines&&) noexcept = default;

bool SourceLines::empty() const {
    bool any = false;
    state_->each_unit([&](Dwarf_Die*) { any = true; });
    return !any;
}

std::optional<SourcePlace> SourceLines::at(std::uint64_t address) const {
    std::optional<SourcePlace> found;
    const auto look = [&](Dwarf_Die* unit) {
        Dwarf_Line* line = dwarf_getsrc_die(unit, address);
        int number = 0;
        const char* file = line != nullptr ? dwarf_linesrc(line, nullptr, nullptr) : nullptr;
        if (file != nullptr && dwarf_lineno(line, &number) == 0 && number > 0)
            found = SourcePlace{file, static_cast<std::uint32_t>(number)};
    };
    Dwarf_Die unit;
    if (state_->dwarf && dwarf_addrdie(state_->dwarf.get(), address, &unit) != nullptr) {
        look(&unit);
        return found;
    }
    // No table of address ranges, as clang writes it.
    state_->each_unit([&](Dwarf_Die* die) {
        if (!found && dwarf_haspc(die, address) == 1) look(die);
    });
    return found;
}

std::vector<std::uint64_t> SourceLines::addresses(std::string_view file, std::uint32_t line) const {
    std::set<std::uint64_t> found;
    std::uint32_t nearest = line + kFarthest + 1;
    state_->each_unit([&](Dwarf_Die* unit) {
        std::uint32_t before = 0;
        State::each_line(
            unit, [&](Dwarf_Line* row, const char* name, std::uint32_t number, std::uint64_t where) {
                const bool continues = before == number;
                const bool wanted = number >= line && number <= nearest && ends_in(name, file);
                bool begins_statement = false;
                before = wanted ? number : 0;
                if (!wanted || dwarf_linebeginstatement(row, &begins_statement) != 0 || !begins_statement)
                    return;
                if (number < nearest) found.clear();
                if (number < nearest || !continues) found.insert(where);
                nearest = number;
            });
    });
    return {found.begin(), found.end()};
}

std::vector<std::string> SourceLines::files_like(std::string_view file) const {
    std::set<std::string> found;
    state_->each_unit([&](Dwarf_Die* unit) {
        Dwarf_Files* files = nullptr;
        std::size_t count = 0;
        if (dwarf_getsrcfiles(unit, &files, &count) != 0) return;
        for (std::size_t i = 0; i < count; ++i) {
            const char* name = dwarf_filesrc(files, i, nullptr, nullptr);
            if (name != nullptr && last_part(name) == last_part(file)) found.insert(name);
        }
    });
    return {found.begin(), found.end()};
}

}  // namespace autotune::native
