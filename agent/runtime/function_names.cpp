#include "agent/runtime/function_names.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>

namespace autotune::runtime {

namespace {

constexpr std::size_t kMaxKnown = 500'000;
constexpr std::size_t kMaxModules = 4096;
constexpr std::size_t kMaxValues = 65'536;  // until somebody takes them
constexpr std::size_t kMaxText = 4096;  // of a name or a file; the writers cut at 4095

struct Name {
    at_ring_name head{};
    std::array<char, 2 * kMaxText> text{};

    [[nodiscard]] std::string_view name() const { return {text.data(), head.name_bytes}; }
    [[nodiscard]] std::string_view file() const { return {text.data() + head.name_bytes, head.file_bytes}; }
};

// The name at an offset of the table; none where what is there cannot be one.
std::optional<Name> read_name(const RingFile& file, std::uint64_t offset) {
    const std::uint64_t used = std::min<std::uint64_t>(file.header().names_used, AT_RING_NAMES_BYTES);
    std::optional<Name> name(std::in_place);
    if (offset < 8 || offset % 8 != 0 || offset > used || used - offset < sizeof name->head)
        return std::nullopt;
    if (!file.read_into(AT_RING_NAMES_AT + offset, std::span(&name->head, 1))) return std::nullopt;
    const at_ring_name& head = name->head;
    const std::size_t text = std::size_t{head.name_bytes} + head.file_bytes;
    if (head.size % 8 != 0 || head.size > used - offset || head.size < sizeof head + text ||
        text > name->text.size())
        return std::nullopt;
    if (text > 0 &&
        !file.read_into(AT_RING_NAMES_AT + offset + sizeof head, std::span(name->text.data(), text)))
        return std::nullopt;
    return name;
}

FrameKind kind_of(std::uint32_t kind) {
    switch (kind) {
        case AT_RING_NATIVE: return FrameKind::native;
        case AT_RING_PYTHON: return FrameKind::python;
        default: return FrameKind::unknown;
    }
}

symbols::Mapping mapping_of(const Name& name) {
    at_ring_module module{};
    std::memcpy(&module, name.file().data(), std::min(sizeof module, name.file().size()));
    return {.start = module.start,
            .end = module.end,
            .offset = module.offset,
            .inode = module.inode,
            .path = std::string(name.name())};
}

ToldValue value_of(const Name& name) {
    ToldValue told;
    std::memcpy(&told.head, name.file().data(), std::min(sizeof told.head, name.file().size()));
    if (name.file().size() > sizeof told.head) told.expression = name.file().substr(sizeof told.head);
    told.value = name.name();
    return told;
}

}  // namespace

void FunctionNames::learn(const RingFile& file) {
    if (learnt_ >= file.header().names_used) return;
    bool changed = false;
    while (const auto name = read_name(file, learnt_)) {
        learnt_ += name->head.size;
        if (name->head.kind == AT_RING_VALUE && values_.size() < kMaxValues) values_.push_back(value_of(*name));
        if (name->head.kind != AT_RING_MODULE || modules_.size() >= kMaxModules) continue;
        modules_.push_back(mapping_of(*name));
        changed = true;
    }
    if (changed) symbolizer_->told(process_, modules_);
}

FrameId FunctionNames::resolve(const RingFile& file, std::uint64_t function, Tables& tables) {
    if (function == 0) return FrameId{};
    if (const auto found = known_.find(function); found != known_.end()) return found->second;
    if (known_.size() >= kMaxKnown) known_.clear();
    const FrameId frame = (function & AT_RING_NAMED) != 0 ? named(file, function & ~AT_RING_NAMED, tables)
                                                          : symbolizer_->resolve(process_, function, tables);
    known_.emplace(function, frame);
    return frame;
}

FrameId FunctionNames::named(const RingFile& file, std::uint64_t offset, Tables& tables) const {
    const auto name = read_name(file, offset);
    if (!name || name->head.kind == AT_RING_MODULE || name->head.kind == AT_RING_VALUE) return FrameId{};
    return tables.frames.intern({.name = tables.strings.intern(name->name()),
                                 .file = tables.strings.intern(name->file()),
                                 .line = name->head.line,
                                 .kind = kind_of(name->head.kind)});
}

}  // namespace autotune::runtime
