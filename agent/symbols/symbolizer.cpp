#include "agent/symbols/symbolizer.hpp"

#include <sys/auxv.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>
#include <vector>

#include "agent/symbols/demangle.hpp"
#include "agent/symbols/kernel_symbols.hpp"
#include "agent/symbols/seen_processes.hpp"
#include "os/file.hpp"

namespace autotune::symbols {

namespace {

constexpr std::size_t kMaxRemembered = 500'000;  // frames of all processes; then they are looked up again

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

    SeenProcesses& processes() { return processes_; }

    const Mapping* mapping_at(const ProcessId& id, std::uint64_t address) {
        return processes_.mapping_at(id, processes_.find(id), address);
    }

    std::span<const FrameId> resolve_all(const ProcessId& id, std::uint64_t address, Tables& tables) {
        if (address == 0) return kNowhere;
        if (const std::uint64_t g = modules_.generation(); g != generation_) {
            generation_ = g;
            forget_frames();
        }
        if (const Recent& r = recent(id, address); r.address == address && r.id == id) return frames_of(r.chain);
        SeenProcess& p = processes_.find(id);
        const Mapping* mapping = processes_.mapping_at(id, p, address);  // may forget the frames
        if (const auto known = p.frames.find(address); known != p.frames.end()) {
            recent(id, address) = {id, address, known->second};
            return frames_of(known->second);
        }
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
    SymbolCounts counts() const {
        return {.modules = modules_.counts(), .jit_refused = jit_refused_, .jit_no_room = jit_no_room_};
    }

    FrameId resolve_kernel(std::uint64_t address, Tables& tables) {
        if (!kernel_) kernel_ = KernelSymbols::parse(read_file(options_.proc + "/kallsyms").value_or(""));
        const std::string_view name = kernel_->find(address);
        return tables.frames.intern({.name = tables.strings.intern(name.empty() ? "[kernel]" : name),
                                     .module = tables.strings.intern("[kernel]"),
                                     .kind = FrameKind::kernel});
    }

    std::optional<std::uint64_t> address_of(const ProcessId& id, const Mapping& mapping,
                                            const std::string& symbol) {
        const auto file = processes_.find(id).snapshot.file_of(mapping);
        const ElfImage* image = file ? modules_.image(*file) : nullptr;
        if (image == nullptr) return std::nullopt;
        const auto at = image->address_of(symbol);
        const auto here = image->address_of_offset(mapping.offset);
        if (!at || !here) return std::nullopt;
        return mapping.start - *here + *at;
    }

    std::optional<Range> range_of(const ProcessId& id, const Mapping& mapping, const std::string& function) {
        const auto file = processes_.find(id).snapshot.file_of(mapping);
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

    // What was asked for lately, without a walk through tables that no cache of the processor holds: most frames of a stack are
    // those of the stack before. A place may hold another address.
    struct Recent {
        ProcessId id;
        std::uint64_t address = 0;
        Chain chain;
    };
    Recent& recent(const ProcessId& id, std::uint64_t address) {
        if (const std::uint64_t now = processes_.forgotten(); now != recent_of_) {
            recent_.fill({});
            recent_of_ = now;
        }
        constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
        return recent_[((address ^ id.start_ns) * kOdd) >> (64 - kRecentBits)];
    }

    void forget_frames() {
        processes_.forget_frames();
        frames_.clear();
    }

    // What is in latest_.
    void remember(SeenProcess& p, std::uint64_t address) {
        if (frames_.size() + latest_.size() > kMaxRemembered) forget_frames();
        p.frames.insert_or_assign(address, Chain{static_cast<std::uint32_t>(frames_.size()),
                                                 static_cast<std::uint32_t>(latest_.size())});
        frames_.insert(frames_.end(), latest_.begin(), latest_.end());
    }

    // Innermost first, at least one.
    std::vector<Frame> describe(const ProcessId& id, SeenProcess& p, const Mapping* m, std::uint64_t address,
                                StringTable& strings) {
        if (m == nullptr) return {nowhere(id, p, address, strings)};
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
            frame = jit_frame(name, p, strings);
        } else if (m->has_file()) {
            frame.name = strings.intern(with_offset(base_name(m->path), address - m->start + m->offset));
        } else {
            frame.name = strings.intern(m->path.starts_with('[') ? m->path : "[anon:exec]");
        }
        return {frame};
    }

    // No mapping that may be executed: a JIT may be writing there just now, and have taken that right away meanwhile.
    // A process without such a map is asked for one as often as its mappings are read.
    Frame nowhere(const ProcessId& id, SeenProcess& p, std::uint64_t address, StringTable& strings) {
        if (p.jit.bytes() > 0 || std::exchange(p.jit_reads, p.reads) != p.reads)
            if (const std::string_view name = jit_name(id, p, address); !name.empty()) return jit_frame(name, p, strings);
        return {.name = strings.intern("[unmapped]"), .kind = FrameKind::unknown};
    }

    static Frame jit_frame(std::string_view name, const SeenProcess& p, StringTable& strings) {
        return {.name = strings.intern(name), .module = strings.intern("[jit]"), .kind = jit_kind(name, p.has_jvm)};
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

    // When it began; 0: not known.
    static std::int64_t unix_ns_of(const ProcessId& id) {
        if (id.start_ns == 0) return 0;
        const auto now = [](clockid_t clock) {
            timespec t{};
            clock_gettime(clock, &t);
            return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
        };
        return now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME) + static_cast<std::int64_t>(id.start_ns);
    }

    std::string_view jit_name(const ProcessId& id, SeenProcess& p, std::uint64_t address) {
        const std::string inner = "/tmp/perf-" + std::to_string(p.snapshot.inner_pid) + ".map";
        const std::string outer = "/tmp/perf-" + std::to_string(id.pid) + ".map";
        const std::size_t before = p.jit.bytes();
        const std::uint64_t dropped_before = p.jit.dropped();
        const auto name = p.jit.find(address, options_.proc + "/" + std::to_string(id.pid) + "/root" + inner, outer, unix_ns_of(id));
        jit_bytes_ += p.jit.bytes() - before;
        jit_no_room_ += std::max(p.jit.dropped(), dropped_before) - dropped_before;
        if (p.jit.refused() && !std::exchange(p.jit_refused, true)) ++jit_refused_;
        if (jit_bytes_ > options_.max_jit_bytes) jit_bytes_ = processes_.drop_jits_but(p);
        return name;
    }

    const ElfImage& vdso() {
        if (!vdso_) vdso_ = read_vdso();
        return *vdso_;
    }

    SymbolizerOptions options_;
    ModuleCache modules_;
    SeenProcesses processes_{options_.proc, options_.max_processes, modules_};
    std::vector<FrameId> frames_;  // of all processes' chains
    std::vector<FrameId> latest_;  // what resolve_all described last
    std::uint64_t generation_ = 0;
    std::uint64_t jit_refused_ = 0, jit_no_room_ = 0;
    std::size_t jit_bytes_ = 0;  // about: processes that went are taken off with the next drop
    static constexpr int kRecentBits = 9;
    std::array<Recent, 1 << kRecentBits> recent_{};
    std::uint64_t recent_of_ = 0;  // SeenProcesses::forgotten() when they were looked for
    static constexpr std::array<FrameId, 1> kNowhere{};
    std::optional<ElfImage> vdso_;
    std::optional<KernelSymbols> kernel_;
};

Symbolizer::Symbolizer(SymbolizerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Symbolizer::~Symbolizer() = default;

std::uint64_t Symbolizer::observe(const ProcessId& process) { return impl_->processes().find(process).reads; }

void Symbolizer::refresh(const ProcessId& process) { impl_->processes().refresh(process); }

void Symbolizer::replaced(const ProcessId& process, const Program& program) {
    impl_->processes().replaced(process, program);
}

bool Symbolizer::mapped(const ProcessId& process, const Mapping& mapping) {
    return impl_->processes().mapped(process, mapping);
}

void Symbolizer::told(const ProcessId& process, const std::vector<Mapping>& mappings) {
    impl_->processes().told(process, mappings, false);
}

void Symbolizer::heard(const ProcessId& process, const std::vector<Mapping>& mappings) {
    impl_->processes().told(process, mappings, true);
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
SymbolCounts Symbolizer::counts() const { return impl_->counts(); }

FrameId Symbolizer::resolve_kernel(std::uint64_t address, Tables& tables) {
    return impl_->resolve_kernel(address, tables);
}

const Mapping* Symbolizer::mapping_at(const ProcessId& process, std::uint64_t address) {
    return impl_->mapping_at(process, address);
}

const ProcessMaps& Symbolizer::maps(const ProcessId& process) { return snapshot(process).maps; }

const ProcessSnapshot& Symbolizer::snapshot(const ProcessId& process) { return impl_->processes().find(process).snapshot; }

std::optional<std::uint64_t> Symbolizer::address_of(const ProcessId& process, const Mapping& mapping,
                                                    const std::string& symbol) {
    return impl_->address_of(process, mapping, symbol);
}

std::optional<Symbolizer::Range> Symbolizer::range_of(const ProcessId& process, const Mapping& mapping,
                                                      const std::string& function) {
    return impl_->range_of(process, mapping, function);
}

}  // namespace autotune::symbols
