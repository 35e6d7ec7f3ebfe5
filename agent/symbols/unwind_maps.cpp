#include "agent/symbols/unwind_maps.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <numeric>

#include "bpf/logic/unwind_recipe.h"
#include "os/fd.hpp"

namespace autotune::symbols {

namespace {

// The kernel side's form and ours are the same bytes.
static_assert(sizeof(at_unwind_recipe) == sizeof(unwind::Recipe));
static_assert(offsetof(at_unwind_recipe, cfa_offset) == offsetof(unwind::Recipe, cfa_offset));
static_assert(offsetof(at_unwind_recipe, rbp_offset) == offsetof(unwind::Recipe, rbp_offset));
static_assert(static_cast<int>(unwind::CfaRule::signal) == AT_CFA_SIGNAL &&
              static_cast<int>(unwind::CfaRule::plt) == AT_CFA_PLT &&
              static_cast<int>(unwind::RbpRule::at_rbp) == AT_RBP_AT_RBP);
static_assert(unwind::kMostRecipes == AT_MAX_RECIPES && unwind::kPageBits == AT_UNWIND_PAGE_BITS);

at_unwind_mapping_key key_of(std::uint32_t space, const AddressPrefix& prefix) {
    at_unwind_mapping_key key{};
    key.prefix = 32 + prefix.bits;
    for (int i = 0; i < 4; ++i) key.space[i] = static_cast<std::uint8_t>(space >> (24 - 8 * i));
    for (int i = 0; i < 8; ++i) key.address[i] = static_cast<std::uint8_t>(prefix.address >> (56 - 8 * i));
    return key;
}

Unexpected failed(std::string_view doing) { return unexpected(errno_error(doing, errno)); }

}  // namespace

std::vector<AddressPrefix> prefixes_of(std::uint64_t start, std::uint64_t end) {
    std::vector<AddressPrefix> out;
    while (start < end) {
        // The largest aligned block that begins here and does not reach beyond the end.
        const auto room = static_cast<std::uint32_t>(std::bit_width(end - start) - 1);
        const auto alignment = start == 0 ? 63u : static_cast<std::uint32_t>(std::countr_zero(start));
        const std::uint32_t size = std::min(room, alignment);
        out.push_back({start, 64 - size});
        start += std::uint64_t{1} << size;
        if (start == 0) break;
    }
    return out;
}

Status UnwindMaps::put_recipes(std::span<const unwind::Recipe> all) {
    if (recipes_ >= all.size()) return ok();
    std::vector<std::uint32_t> indexes(all.size() - recipes_);
    std::iota(indexes.begin(), indexes.end(), static_cast<std::uint32_t>(recipes_));
    auto count = static_cast<std::uint32_t>(indexes.size());
    if (bpf_map_update_batch(fds_.recipes, indexes.data(), all.data() + recipes_, &count, nullptr) != 0)
        return failed("telling the sampler unwinding recipes");
    recipes_ = all.size();
    return ok();
}

UnwindMaps::~UnwindMaps() {
    for (const Slab& slab : slabs_) munmap(slab.chunks, AT_UNWIND_SLAB_CHUNKS * sizeof(at_unwind_chunk));
}

Status UnwindMaps::add_slab() {
    const auto index = static_cast<std::uint32_t>(slabs_.size());
    if (index >= AT_MAX_UNWIND_SLABS)
        return fail(Errc::resource_exhausted, "all room for unwinding tables is used");
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    const Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_slab", sizeof(std::uint32_t),
                                sizeof(at_unwind_chunk), AT_UNWIND_SLAB_CHUNKS, &options));
    if (!map) return failed("making a map of unwinding rows");
    void* chunks = mmap(nullptr, AT_UNWIND_SLAB_CHUNKS * sizeof(at_unwind_chunk), PROT_READ | PROT_WRITE,
                        MAP_SHARED, map.get(), 0);
    if (chunks == MAP_FAILED) return failed("mapping unwinding rows");
    slabs_.push_back({static_cast<at_unwind_chunk*>(chunks), 0});
    const int fd = map.get();
    if (bpf_map_update_elem(fds_.slabs, &index, &fd, BPF_ANY) != 0)
        return failed("adding a map of unwinding rows");
    return ok();
}

// All in one slab: a page's rows, at most 65,536, are searched in one map.
Result<at_unwind_rows> UnwindMaps::put_rows(std::span<const unwind::PackedRow> rows) {
    const auto count = static_cast<std::uint32_t>(rows.size());
    if (slabs_.empty() || kSlabRows - slabs_.back().used < count)
        if (Status s = add_slab(); !s) return s.forward();
    Slab& slab = slabs_.back();
    const at_unwind_rows place{
        .slab = static_cast<std::uint32_t>(slabs_.size() - 1), .first = slab.used, .count = count};
    for (const unwind::PackedRow& row : rows) {
        slab.chunks[slab.used / AT_UNWIND_ROWS_A_CHUNK].rows[slab.used % AT_UNWIND_ROWS_A_CHUNK] =
            row.low | std::uint32_t{row.recipe} << 16;
        ++slab.used;
    }
    return place;
}

Status UnwindMaps::put_file(std::uint32_t file, const unwind::UnwindTable& table) {
    std::vector<at_unwind_page_key> keys;
    std::vector<at_unwind_rows> places;
    for (const unwind::UnwindPage& page : table.pages) {
        auto place = put_rows(std::span(table.rows).subspan(page.first, page.count));
        if (!place) return place.forward();
        keys.push_back({file, page.number});
        places.push_back(*place);
    }
    auto count = static_cast<std::uint32_t>(keys.size());
    if (count > 0 && bpf_map_update_batch(fds_.pages, keys.data(), places.data(), &count, nullptr) != 0)
        return failed("writing pages of unwinding rows");
    return ok();
}

std::uint16_t UnwindMaps::recipe_index(std::uint32_t file, std::uint64_t own_address) const {
    const at_unwind_page_key key{file, static_cast<std::uint32_t>(own_address >> AT_UNWIND_PAGE_BITS)};
    at_unwind_rows place{};
    if (bpf_map_lookup_elem(fds_.pages, &key, &place) != 0 || place.slab >= slabs_.size()) return 0;
    const at_unwind_chunk* chunks = slabs_[place.slab].chunks;
    const auto row = [&](std::uint32_t i) {
        return chunks[i / AT_UNWIND_ROWS_A_CHUNK].rows[i % AT_UNWIND_ROWS_A_CHUNK];
    };
    std::uint32_t from = place.first, to = place.first + place.count;  // the first row above it is in [from, to]
    while (from < to) {
        const std::uint32_t middle = from + (to - from) / 2;
        if ((row(middle) & 0xffff) > (own_address & 0xffff))
            to = middle;
        else
            from = middle + 1;
    }
    return from > place.first ? static_cast<std::uint16_t>(row(from - 1) >> 16) : std::uint16_t{0};
}

Status UnwindMaps::put_mapping(std::uint32_t space, const UnwindMapping& mapping) {
    std::vector<at_unwind_mapping_key> keys;
    for (const AddressPrefix& prefix : prefixes_of(mapping.start, mapping.end)) keys.push_back(key_of(space, prefix));
    const at_unwind_mapping value{.bias = mapping.bias, .file = mapping.file, .reserved = 0};
    const std::vector<at_unwind_mapping> values(keys.size(), value);
    auto count = static_cast<std::uint32_t>(keys.size());
    if (count == 0 || bpf_map_update_batch(fds_.mappings, keys.data(), values.data(), &count, nullptr) == 0) return ok();
    const auto refused = failed("telling the sampler where a file is mapped");
    remove_mapping(space, mapping);  // what of it was written before
    return refused;
}

void UnwindMaps::remove_mapping(std::uint32_t space, const UnwindMapping& mapping) {
    for (const AddressPrefix& prefix : prefixes_of(mapping.start, mapping.end)) {
        const at_unwind_mapping_key key = key_of(space, prefix);
        bpf_map_delete_elem(fds_.mappings, &key);
    }
}

Status UnwindMaps::put_process(const ProcessId& process, std::uint32_t space) {
    const auto pid = static_cast<std::uint32_t>(process.pid);
    const at_unwind_process value{.start_ns = process.start_ns, .space = space, .reserved = 0};
    if (bpf_map_update_elem(fds_.processes, &pid, &value, BPF_ANY) != 0)
        return failed("telling the sampler of a process's unwinding tables");
    if (fds_.processes_version != nullptr) std::atomic_ref(*fds_.processes_version).fetch_add(1);
    return ok();
}

}  // namespace autotune::symbols
