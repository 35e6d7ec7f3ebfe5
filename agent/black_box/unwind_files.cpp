#include "agent/black_box/unwind_files.hpp"

#include <fcntl.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cstring>

#include "agent/symbols/process_snapshot.hpp"
#include "os/file.hpp"

namespace {
// What the recipes' steps read: the stack that is being walked, and nothing else.
struct Stack {
    std::uint64_t base = 0;
    std::span<const std::byte> bytes;
};
thread_local Stack walked;

int read_walked(void* to, std::size_t size, std::uint64_t address) {
    if (address < walked.base || address - walked.base > walked.bytes.size() ||
        walked.bytes.size() - (address - walked.base) < size)
        return -14;
    std::memcpy(to, walked.bytes.data() + (address - walked.base), size);
    return 0;
}
}  // namespace
#define at_read_user(to, size, address) read_walked(to, size, address)
#include "bpf/logic/unwind.h"

namespace autotune::black_box {
namespace {

constexpr std::size_t kMostFrames = 1024;
constexpr std::size_t kMostFiles = 2'048;  // open at a time, of all that is watched
constexpr std::size_t kMostTables = 200;   // read; who was not asked for longest is read again when it is

// The kernel's own code in every process; ours is the same as theirs.
std::string_view own_vdso() {
    const auto* base = reinterpret_cast<const char*>(::getauxval(AT_SYSINFO_EHDR));
    const auto text = base != nullptr ? read_file("/proc/self/maps") : Result<std::string>(std::string());
    const symbols::ProcessMaps maps = symbols::ProcessMaps::parse(text.value_or(""));
    const symbols::Mapping* m = maps.find(reinterpret_cast<std::uint64_t>(base));
    return m != nullptr ? std::string_view(base, m->end - m->start) : std::string_view();
}

}  // namespace

struct UnwindFiles::File {
    Fd fd;
    std::uint64_t used = 0;
    bool read = false;
    std::vector<unwind::LoadSegment> segments;
    unwind::UnwindTable table;

    void let_go() {
        read = false;
        segments = {};
        table = {};
    }
    void take(Result<unwind::ElfFrames> frames, unwind::RecipeBook& book) {
        read = true;
        if (!frames) return;
        table = unwind::pack(frames->frames.rows, book);
        segments = std::move(frames->segments);
    }
    // From the address in a process to the file's own.
    [[nodiscard]] std::optional<std::uint64_t> own(const symbols::Mapping& m, std::uint64_t address) const {
        for (const unwind::LoadSegment& s : segments)
            if (m.offset >= s.offset && m.offset - s.offset < s.size)
                return address - m.start + (m.offset - s.offset) + s.address;
        // A mapping begins at a page, its segment perhaps later in it.
        for (const unwind::LoadSegment& s : segments)
            if (s.offset >= m.offset && s.offset - m.offset < 4096) return address - m.start + s.address - (s.offset - m.offset);
        return std::nullopt;
    }
};

UnwindFiles::UnwindFiles() = default;
UnwindFiles::~UnwindFiles() = default;

const AddressSpace::Place* AddressSpace::find(std::uint64_t address) const {
    const auto after = std::ranges::upper_bound(places, address, {}, [](const Place& p) { return p.mapping.start; });
    if (after == places.begin()) return nullptr;
    const Place& place = *std::prev(after);
    return place.mapping.contains(address) ? &place : nullptr;
}

AddressSpace UnwindFiles::pin(const std::string& folder, const std::vector<symbols::Mapping>& mappings) {
    AddressSpace space;
    for (const symbols::Mapping& m : mappings) {
        auto& place = space.places.emplace_back(AddressSpace::Place{m, std::nullopt});
        if (!m.has_file()) continue;
        Fd fd = symbols::open_mapped(folder, m);
        if (!fd) fd = Fd(::open(m.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        place.file = fd ? symbols::identity_of(fd.get()) : std::nullopt;
        if (place.file && place.file->inode != m.inode) place.file.reset();
        if (!place.file) continue;
        auto& file = files_[*place.file];
        if (!file) file = std::make_unique<File>(), file->fd = std::move(fd);
        file->used = ++uses_;
    }
    make_room();
    return space;
}

void UnwindFiles::make_room() {
    while (files_.size() > kMostFiles)
        files_.erase(std::ranges::min_element(files_, {}, [](const auto& one) { return one.second->used; }));
}

void UnwindFiles::make_room_for_a_table() {
    std::size_t read = 0;
    File* oldest = nullptr;
    for (const auto& [identity, file] : files_) {
        if (!file->read) continue;
        ++read;
        if (oldest == nullptr || file->used < oldest->used) oldest = file.get();
    }
    if (read >= kMostTables) oldest->let_go();
}

UnwindFiles::File* UnwindFiles::file_of(const AddressSpace::Place& place) {
    if (place.mapping.path == "[vdso]") {
        if (!vdso_) vdso_ = std::make_unique<File>(), vdso_->take(unwind::read_elf_frames(own_vdso()), book_);
        return vdso_.get();
    }
    if (!place.file) return nullptr;
    const auto found = files_.find(*place.file);
    if (found == files_.end()) return nullptr;
    File& file = *found->second;
    file.used = ++uses_;
    if (!file.read) {
        make_room_for_a_table();
        file.take(unwind::read_elf_frames(file.fd.get()), book_);
    }
    return &file;
}

WalkedStack UnwindFiles::walk(const AddressSpace& space, const at_box_registers& registers, std::uint64_t stack_base,
                              std::span<const std::byte> stack) {
    walked = {stack_base, stack};
    at_unwind_registers r{.ip = registers.ip, .sp = registers.sp, .bp = registers.bp};
    WalkedStack out;
    bool is_return = false;
    while (out.addresses.size() < kMostFrames) {
        const std::uint64_t ip = r.ip - (is_return ? 1 : 0);
        const AddressSpace::Place* place = space.find(ip);
        if (is_return && place == nullptr) break;  // what code without frame pointers left in that register
        out.addresses.push_back(r.ip);
        const File* file = place != nullptr ? file_of(*place) : nullptr;
        const auto own = file != nullptr ? file->own(place->mapping, ip) : std::nullopt;
        const unwind::Recipe recipe = own ? book_.recipes()[file->table.find(*own)] : unwind::Recipe{};
        at_unwind_recipe step{};
        static_assert(sizeof step == sizeof recipe);
        std::memcpy(&step, &recipe, sizeof step);
        const at_step got = at_unwind_step(&step, &r);
        if (got == AT_STEP_END) out.whole = true;
        if (got != AT_STEP_RETURN && got != AT_STEP_EXACT) break;
        is_return = got == AT_STEP_RETURN;
    }
    walked = {};
    return out;
}

}  // namespace autotune::black_box
