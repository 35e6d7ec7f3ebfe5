#include "agent/symbols/unwind_loader.hpp"

#include <sys/auxv.h>

#include <algorithm>
#include <utility>

#include "agent/symbols/process_snapshot.hpp"
#include "agent/symbols/spare_memory.hpp"
#include "os/file.hpp"

namespace autotune::symbols {

namespace {

constexpr std::size_t kMostMappings = 4'096;  // of one process: all have 262,144 places together

// The kernel's own code in every process; ours is the same as theirs.
std::string_view own_vdso() {
    const auto* base = reinterpret_cast<const char*>(getauxval(AT_SYSINFO_EHDR));
    const auto text = base != nullptr ? read_file("/proc/self/maps") : Result<std::string>(std::string());
    const ProcessMaps maps = ProcessMaps::parse(text.value_or(""));
    const Mapping* m = maps.find(reinterpret_cast<std::uint64_t>(base));
    return m != nullptr ? std::string_view(base, m->end - m->start) : std::string_view();
}

}  // namespace

UnwindLoader::UnwindLoader(UnwindMapFds maps, UnwindLoaderOptions options)
    : maps_(maps), options_(std::move(options)) {
    // Index 0 is asked for all code that nobody describes.
    if (!maps_.put_recipes(book_.recipes()) || !maps_.start()) ++counts_.refused;
}
UnwindLoader::~UnwindLoader() = default;

void UnwindLoader::learn(const ProcessId& process, std::uint64_t reads, const ProcessSnapshot& snapshot) {
    const auto [found, fresh] = spaces_.try_emplace(process);
    Space& space = found->second;
    if (fresh) {
        uses_.push_front(process);
        space.use = uses_.begin();
    } else {
        uses_.splice(uses_.begin(), uses_, space.use);
        if (space.reads == reads) return;
    }
    space.reads = reads;
    const ProcessMaps& maps = snapshot.maps;
    if (maps.empty()) return;  // gone before anybody looked
    std::vector<UnwindMapping> now;
    const std::string folder = options_.proc + "/" + std::to_string(process.pid);
    for (const Mapping& m : maps.mappings()) {
        const File* file = m.path == "[vdso]" ? vdso() : m.has_file() ? file_of(folder, m, snapshot.file_of(m)) : nullptr;
        if (file == nullptr) continue;
        if (now.size() == kMostMappings) {
            ++counts_.refused;
            continue;
        }
        if (const auto own = file->about.address_of_offset(m.offset))
            now.push_back({m.start, m.end, m.start - *own, file->number});
    }
    if (now == space.mappings && !now.empty()) return;
    // A new space beside the old one: the kernel side goes over to it at once, never to half of it.
    Space next{.number = next_space_++, .reads = reads, .mappings = {}, .use = space.use};
    for (const UnwindMapping& mapping : now) {
        if (!maps_.put_mapping(next.number, mapping)) {
            ++counts_.refused;
            continue;
        }
        next.mappings.push_back(mapping);
    }
    if (!maps_.put_process(process, next.number)) ++counts_.refused;
    remove(space);
    space = std::move(next);
    make_room();
}

std::optional<WalkedStack> UnwindLoader::walk(const ProcessId& process, const CopiedStack& stack) const {
    const auto found = spaces_.find(process);
    if (found == spaces_.end() || found->second.mappings.empty()) return std::nullopt;
    const auto& mappings = found->second.mappings;  // by start
    return walk_copied(stack, [&](std::uint64_t address) -> std::optional<unwind::Recipe> {
        const auto after = std::ranges::upper_bound(mappings, address, {}, &UnwindMapping::start);
        if (after == mappings.begin() || address >= std::prev(after)->end) return std::nullopt;
        const UnwindMapping& m = *std::prev(after);
        return book_.recipes()[maps_.recipe_index(m.file, address - m.bias)];
    });
}

void UnwindLoader::forget(const ProcessId& process) {
    if (const auto found = spaces_.find(process); found != spaces_.end()) {
        remove(found->second);
        uses_.erase(found->second.use);
        spaces_.erase(found);
    }
}

void UnwindLoader::remove(Space& space) {
    for (const UnwindMapping& m : space.mappings) maps_.remove_mapping(space.number, m);
    space.mappings.clear();
}

void UnwindLoader::make_room() {
    while (spaces_.size() > options_.max_processes) forget(ProcessId(uses_.back()));
}

const UnwindLoader::File* UnwindLoader::file_of(const std::string& folder, const Mapping& mapping,
                                                const std::optional<FileIdentity>& known_file) {
    // Mappings of an overlay may show another number than the file has.
    const auto is_it = [&](const std::optional<FileIdentity>& found) { return found && (found->inode == mapping.inode || found == known_file); };
    Fd fd = open_mapped(folder, mapping);
    auto identity = fd ? identity_of(fd.get()) : std::nullopt;
    if (!is_it(identity)) {  // it has gone, or has mapped another file there by now
        fd = open_regular(mapping.path);
        identity = fd ? identity_of(fd.get()) : std::nullopt;
    }
    if (!is_it(identity)) return nullptr;
    const auto known = files_.find(*identity);
    if (known != files_.end()) return known->second.get();
    const File* file = files_.emplace(*identity, load(unwind::read_elf_frames(fd.get()))).first->second.get();
    give_back_memory(identity->size);
    return file;
}

const UnwindLoader::File* UnwindLoader::vdso() {
    if (!vdso_) vdso_ = load(unwind::read_elf_frames(own_vdso()));
    return vdso_->get();
}

std::unique_ptr<UnwindLoader::File> UnwindLoader::load(Result<unwind::ElfFrames> read) {
    if (!read) return nullptr;
    counts_.damaged += read->frames.damaged;
    counts_.unsupported += read->frames.unsupported;
    const unwind::UnwindTable table = unwind::pack(read->frames.rows, book_);
    if (!maps_.put_recipes(book_.recipes()) || !maps_.put_file(next_file_, table)) {
        ++counts_.refused;
        return nullptr;
    }
    ++counts_.files;
    counts_.bytes += table.bytes();
    counts_.rows += table.rows.size();
    counts_.recipes = book_.recipes().size();
    read->frames.rows.clear();
    read->frames.rows.shrink_to_fit();
    return std::make_unique<File>(File{next_file_++, *std::move(read)});
}

}  // namespace autotune::symbols
