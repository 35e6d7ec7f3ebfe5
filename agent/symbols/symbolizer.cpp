#include "agent/symbols/symbolizer.hpp"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/symbols/demangle.hpp"
#include "agent/symbols/jit_symbols.hpp"
#include "agent/symbols/kernel_symbols.hpp"
#include "agent/symbols/process_snapshot.hpp"
#include "os/file.hpp"

namespace autotune::symbols {

namespace {

constexpr std::size_t kMaxRemembered = 500'000;  // frames of all processes; then they are looked up again

// Of one address: a part of Impl::frames_.
struct Chain {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};

struct Process {
    ProcessSnapshot snapshot;
    std::uint64_t reads = 0;
    std::uint32_t misses = 0;  // addresses outside all mappings since one was last found by reading again
    std::unordered_map<std::uint64_t, Chain> frames;
    JitSymbols jit;
    bool has_jvm = false;
    std::vector<Mapping> told;  // mappings that the process itself spoke of, perhaps gone by now
    std::list<ProcessId>::iterator use;
};

std::string_view base_name(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string with_offset(std::string_view module, std::uint64_t offset) {
    char text[32];
    std::snprintf(text, sizeof text, "+0x%llx", static_cast<unsigned long long>(offset));
    return std::string(module) + text;
}

// The kernel's own code in every process; ours is the same as theirs.
ElfImage read_vdso() {
    const auto* base = reinterpret_cast<const char*>(getauxval(AT_SYSINFO_EHDR));
    if (base == nullptr) return {};
    const auto maps = read_file("/proc/self/maps");
    if (!maps) return {};
    const ProcessMaps own = ProcessMaps::parse(*maps);
    const Mapping* m = own.find(reinterpret_cast<std::uint64_t>(base));
    if (m == nullptr) return {};
    auto image = ElfImage::read(std::string_view(base, m->end - m->start));
    return image ? std::move(*image) : ElfImage();
}

}  // namespace

class Symbolizer::Impl {
public:
    explicit Impl(SymbolizerOptions options)
        : options_(std::move(options)), modules_(options_.max_symbol_bytes, options_.debuginfod) {}

    Process& process(const ProcessId& id) {
        const auto [found, is_new] = processes_.try_emplace(id);
        Process& p = found->second;
        if (is_new) {
            uses_.push_front(id);
            p.use = uses_.begin();
            read(id, p);
            shrink();
        } else {
            uses_.splice(uses_.begin(), uses_, p.use);
        }
        return p;
    }

    void replaced(const ProcessId& id, const Program& program) {
        const bool seen_before = processes_.contains(id);
        Process& p = process(id);
        if (seen_before) {
            p.jit = {};
            p.snapshot = {};
            p.frames.clear();
            p.misses = 0;
            read(id, p);
        }
        if (p.snapshot.maps.empty()) p.snapshot = from_program(program);
    }

    void refresh(const ProcessId& id) {
        const bool seen_before = processes_.contains(id);
        Process& p = process(id);
        if (seen_before) read(id, p);
    }

    void told(const ProcessId& id, const std::vector<Mapping>& mappings) {
        Process& p = process(id);
        p.told = mappings;
        add_told(p);
    }

    const Mapping* mapping_at(const ProcessId& id, std::uint64_t address) {
        return mapping_at(id, process(id), address);
    }

    std::span<const FrameId> resolve_all(const ProcessId& id, std::uint64_t address, Tables& tables) {
        if (address == 0) return kNowhere;
        if (const std::uint64_t g = modules_.generation(); g != generation_) {
            generation_ = g;
            forget_frames();
        }
        Process& p = process(id);
        const Mapping* mapping = mapping_at(id, p, address);  // may forget the frames
        if (const auto known = p.frames.find(address); known != p.frames.end()) return frames_of(known->second);
        latest_.clear();
        for (const Frame& frame : describe(id, p, mapping, address, tables.strings))
            latest_.push_back(tables.frames.intern(frame));
        // JIT code comes and goes at the same address, and its name may be written later.
        if (mapping != nullptr && p.snapshot.file_of(*mapping)) remember(p, address);
        return latest_;
    }

    std::uint64_t generation() { return modules_.generation(); }
    [[nodiscard]] bool awaits_names() const { return options_.debuginfod.enabled; }
    std::vector<Fetch> fetches() const { return modules_.fetches(); }
    ModuleCounts counts() const { return modules_.counts(); }

    FrameId resolve_kernel(std::uint64_t address, Tables& tables) {
        if (!kernel_) kernel_ = KernelSymbols::parse(read_file(options_.proc + "/kallsyms").value_or(""));
        const std::string_view name = kernel_->find(address);
        return tables.frames.intern({.name = tables.strings.intern(name.empty() ? "[kernel]" : name),
                                     .module = tables.strings.intern("[kernel]"),
                                     .kind = FrameKind::kernel});
    }

    std::optional<std::uint64_t> address_of(const ProcessId& id, const Mapping& mapping,
                                            const std::string& symbol) {
        const auto file = process(id).snapshot.file_of(mapping);
        const ElfImage* image = file ? modules_.image(*file) : nullptr;
        if (image == nullptr) return std::nullopt;
        const auto at = image->address_of(symbol);
        const auto here = image->address_of_offset(mapping.offset);
        if (!at || !here) return std::nullopt;
        return mapping.start - *here + *at;
    }

    std::optional<Range> range_of(const ProcessId& id, const Mapping& mapping, const std::string& function) {
        const auto file = process(id).snapshot.file_of(mapping);
        const ElfImage* image = file ? modules_.image(*file) : nullptr;
        if (image == nullptr) return std::nullopt;
        const auto own = image->range_of(function);
        const auto here = image->address_of_offset(mapping.offset);
        if (!own || !here) return std::nullopt;
        const std::uint64_t start = mapping.start - *here + own->address;
        return Range{start, start + own->size};
    }

private:
    [[nodiscard]] std::span<const FrameId> frames_of(const Chain& chain) const {
        return std::span(frames_).subspan(chain.first, chain.count);
    }

    // What is in latest_.
    void remember(Process& p, std::uint64_t address) {
        if (frames_.size() + latest_.size() > kMaxRemembered) forget_frames();
        p.frames.insert_or_assign(address, Chain{static_cast<std::uint32_t>(frames_.size()),
                                                 static_cast<std::uint32_t>(latest_.size())});
        frames_.insert(frames_.end(), latest_.begin(), latest_.end());
    }

    void forget_frames() {
        for (auto& [id, process] : processes_) process.frames.clear();
        frames_.clear();
    }

    // Where nothing is mapped now, something may have been.
    void add_told(Process& p) {
        ProcessSnapshot& s = p.snapshot;
        const auto overlaps = [&](const Mapping& m) {
            return std::ranges::any_of(s.maps.mappings(),
                                       [&](const Mapping& o) { return o.start < m.end && m.start < o.end; });
        };
        std::vector<std::pair<Mapping, std::optional<FileIdentity>>> all;
        for (std::size_t i = 0; i < s.maps.mappings().size(); ++i)
            all.emplace_back(s.maps.mappings()[i], i < s.files.size() ? s.files[i] : std::nullopt);
        const std::size_t known = all.size();
        for (const Mapping& m : p.told)
            if (!overlaps(m)) all.emplace_back(m, pin(m));
        if (all.size() == known) return;
        std::ranges::sort(all, {}, [](const auto& one) { return one.first.start; });
        std::vector<Mapping> mappings;
        s.files.clear();
        for (auto& [mapping, file] : all) mappings.push_back(std::move(mapping)), s.files.push_back(std::move(file));
        s.maps = ProcessMaps::of(std::move(mappings));
        p.frames.clear();
    }

    void read(const ProcessId& id, Process& p) {
        ++p.reads;
        auto snapshot = take_snapshot(options_.proc, id, modules_);
        if (!snapshot) return;  // keeps what was known: the process has gone
        p.snapshot = std::move(*snapshot);
        add_told(p);
        p.frames.clear();
        p.has_jvm = std::ranges::any_of(p.snapshot.maps.mappings(),
                                        [](const Mapping& m) { return base_name(m.path) == "libjvm.so"; });
    }

    // At the 1st, 2nd, 4th, … and at every 256th: code that a JIT maps must not wait for ever behind wild addresses.
    static bool is_worth_a_look(std::uint32_t misses) { return std::has_single_bit(misses) || misses % 256 == 0; }

    // Mappings come later than the first look (libraries, dlopen). Reads again at some addresses in a row that are
    // nowhere, so that wild ones cost little.
    const Mapping* mapping_at(const ProcessId& id, Process& p, std::uint64_t address) {
        const Mapping* mapping = p.snapshot.maps.find(address);
        if (mapping != nullptr || !is_worth_a_look(++p.misses)) return mapping;
        read(id, p);
        mapping = p.snapshot.maps.find(address);
        if (mapping != nullptr) p.misses = 0;
        return mapping;
    }

    // Innermost first, at least one.
    std::vector<Frame> describe(const ProcessId& id, Process& p, const Mapping* m, std::uint64_t address,
                                StringTable& strings) {
        if (m == nullptr) return {{.name = strings.intern("[unmapped]"), .kind = FrameKind::unknown}};
        Frame frame{.module = strings.intern(m->path), .kind = FrameKind::native};
        const auto file = p.snapshot.file_of(*m);
        const ElfImage* image = file ? modules_.image(*file) : m->path == "[vdso]" ? &vdso() : nullptr;
        if (image != nullptr) {
            frame.build_id = strings.intern(image->build_id());
            const std::uint64_t offset = address - m->start + m->offset;
            const std::uint64_t own = image->address_of_offset(offset).value_or(offset);
            const auto found = image->find(own);
            const std::string symbol = found ? demangle(found->name) : std::string();
            const auto places = file ? modules_.places(*file, own) : std::vector<CodePlace>();
            return frames_at(frame, places, symbol, with_offset(base_name(m->path), own), strings);
        }
        if (const std::string_view name = jit_name(id, p, address); !name.empty()) {
            frame.name = strings.intern(name);
            frame.kind = jit_kind(name, p.has_jvm);
            frame.module = strings.intern("[jit]");
        } else if (m->has_file()) {
            frame.name = strings.intern(with_offset(base_name(m->path), address - m->start + m->offset));
        } else {
            frame.name = strings.intern(m->path.starts_with('[') ? m->path : "[anon:exec]");
        }
        return {frame};
    }

    // The outermost is the function that the symbol names, whatever the DWARF calls it.
    static std::vector<Frame> frames_at(Frame common, const std::vector<CodePlace>& places, const std::string& symbol,
                                        const std::string& nameless, StringTable& strings) {
        std::vector<Frame> frames;
        for (const CodePlace& place : places) {
            const bool outermost = &place == &places.back();
            std::string name = outermost && !symbol.empty() ? symbol : demangle(place.function);
            if (name.empty()) name = outermost ? nameless : "[inlined]";
            common.name = strings.intern(name);
            common.file = strings.intern(place.file);
            common.line = place.line;
            frames.push_back(common);
        }
        if (frames.empty()) {
            common.name = strings.intern(symbol.empty() ? nameless : symbol);
            frames.push_back(common);
        }
        return frames;
    }

    std::string_view jit_name(const ProcessId& id, Process& p, std::uint64_t address) {
        const std::string inner = "/tmp/perf-" + std::to_string(p.snapshot.inner_pid) + ".map";
        const std::string outer = "/tmp/perf-" + std::to_string(id.pid) + ".map";
        const std::size_t before = p.jit.bytes();
        const auto name = p.jit.find(address, options_.proc + "/" + std::to_string(id.pid) + "/root" + inner, outer);
        jit_bytes_ += p.jit.bytes() - before;
        if (jit_bytes_ > options_.max_jit_bytes) drop_other_jits(p);
        return name;
    }

    // To be read again, should the process go on.
    void drop_other_jits(const Process& keep) {
        for (auto& [id, process] : processes_)
            if (&process != &keep) process.jit = {};
        jit_bytes_ = keep.jit.bytes();
    }

    // By the path in our mount namespace; nothing when another file is there by now.
    std::optional<FileIdentity> pin(const Mapping& m) {
        Fd fd(open(m.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        const auto file = fd ? identity_of(fd.get()) : std::nullopt;
        if (!file || file->inode != m.inode) return std::nullopt;
        modules_.pin(*file, std::move(fd), {.root = {}, .path = m.path});
        return file;
    }

    ProcessSnapshot from_program(const Program& program) {
        ProcessSnapshot snapshot;
        Fd fd(open(program.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        const auto file = fd ? identity_of(fd.get()) : std::nullopt;
        // Another file of that name, in our mount namespace or by now, would give wrong names.
        if (!file || file->inode != program.inode || program.text_end <= program.text_start) return snapshot;
        modules_.pin(*file, std::move(fd), {.root = {}, .path = program.path});
        const ElfImage* image = modules_.image(*file);
        const auto offset = image != nullptr ? image->text_offset() : std::nullopt;
        if (!offset) return snapshot;
        snapshot.maps = ProcessMaps::of({Mapping{.start = program.text_start,
                                                 .end = program.text_end,
                                                 .offset = *offset,
                                                 .device = file->device,
                                                 .inode = file->inode,
                                                 .path = program.path}});
        snapshot.files = {file};
        return snapshot;
    }

    const ElfImage& vdso() {
        if (!vdso_) vdso_ = read_vdso();
        return *vdso_;
    }

    void shrink() {
        while (processes_.size() > options_.max_processes && uses_.size() > 1) {
            processes_.erase(uses_.back());
            uses_.pop_back();
        }
    }

    SymbolizerOptions options_;
    ModuleCache modules_;
    std::unordered_map<ProcessId, Process> processes_;
    std::list<ProcessId> uses_;   // most recent first
    std::vector<FrameId> frames_;  // of all processes' chains
    std::vector<FrameId> latest_;  // what resolve_all described last
    std::uint64_t generation_ = 0;
    std::size_t jit_bytes_ = 0;  // about: processes that went are taken off with the next drop
    static constexpr std::array<FrameId, 1> kNowhere{};
    std::optional<ElfImage> vdso_;
    std::optional<KernelSymbols> kernel_;
};

Symbolizer::Symbolizer(SymbolizerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Symbolizer::~Symbolizer() = default;

std::uint64_t Symbolizer::observe(const ProcessId& process) { return impl_->process(process).reads; }

void Symbolizer::refresh(const ProcessId& process) { impl_->refresh(process); }

void Symbolizer::replaced(const ProcessId& process, const Program& program) {
    impl_->replaced(process, program);
}

void Symbolizer::told(const ProcessId& process, const std::vector<Mapping>& mappings) {
    impl_->told(process, mappings);
}

FrameId Symbolizer::resolve(const ProcessId& process, std::uint64_t address, Tables& tables) {
    return impl_->resolve_all(process, address, tables).back();
}

FrameId Symbolizer::resolve_return(const ProcessId& process, std::uint64_t address, Tables& tables) {
    return resolve(process, address == 0 ? 0 : address - 1, tables);
}

std::span<const FrameId> Symbolizer::resolve_all(const ProcessId& process, std::uint64_t address, Tables& tables) {
    return impl_->resolve_all(process, address, tables);
}

std::uint64_t Symbolizer::generation() { return impl_->generation(); }
bool Symbolizer::awaits_names() const { return impl_->awaits_names(); }
std::vector<Fetch> Symbolizer::fetches() const { return impl_->fetches(); }
ModuleCounts Symbolizer::counts() const { return impl_->counts(); }

FrameId Symbolizer::resolve_kernel(std::uint64_t address, Tables& tables) {
    return impl_->resolve_kernel(address, tables);
}

const Mapping* Symbolizer::mapping_at(const ProcessId& process, std::uint64_t address) {
    return impl_->mapping_at(process, address);
}

const ProcessMaps& Symbolizer::maps(const ProcessId& process) {
    return impl_->process(process).snapshot.maps;
}

std::optional<std::uint64_t> Symbolizer::address_of(const ProcessId& process, const Mapping& mapping,
                                                    const std::string& symbol) {
    return impl_->address_of(process, mapping, symbol);
}

std::optional<Symbolizer::Range> Symbolizer::range_of(const ProcessId& process, const Mapping& mapping,
                                                      const std::string& function) {
    return impl_->range_of(process, mapping, function);
}

}  // namespace autotune::symbols
