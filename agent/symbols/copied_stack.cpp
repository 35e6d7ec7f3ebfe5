#include "agent/symbols/copied_stack.hpp"

#include <bit>
#include <cstring>

namespace {

// What bpf/logic/unwind.h reads; set for the length of one walk.
thread_local const autotune::symbols::CopiedStack* reading = nullptr;

int read_copied(void* to, std::size_t size, std::uint64_t address) {
    const auto& bytes = reading->bytes;
    const std::uint64_t at = address - reading->base;
    if (address < reading->base || at > bytes.size() || size > bytes.size() - at) return -14;
    std::memcpy(to, bytes.data() + at, size);
    return 0;
}

}  // namespace

#define at_read_user(to, size, address) read_copied(to, size, address)
#include "bpf/logic/unwind.h"

namespace autotune::symbols {

Result<CopiedStack> decode_copied_stack(std::span<const std::byte> record) {
    at_stack_copy copy;
    const std::size_t fixed = sizeof copy - sizeof copy.bytes;
    if (record.size() < sizeof copy) return fail(Errc::corrupt, "a copied stack shorter than it must be");
    std::memcpy(&copy, record.data(), fixed);
    if (copy.pages > AT_COPY_PAGES) return fail(Errc::corrupt, "a copied stack of more pages than there are");
    const auto bytes = record.subspan(fixed, std::size_t{copy.pages} * AT_COPY_PAGE);
    return CopiedStack{.at_ns = copy.at_ns,
                       .thread = copy.tid,
                       .ip = copy.ip,
                       .sp = copy.sp,
                       .bp = copy.bp,
                       .base = copy.base,
                       .bytes = {bytes.begin(), bytes.end()}};
}

WalkedStack walk_copied(const CopiedStack& stack, const RecipeAt& recipe_at) {
    reading = &stack;
    at_unwind_registers registers{.ip = stack.ip, .sp = stack.sp, .bp = stack.bp};
    WalkedStack walked;
    bool is_return = false;
    while (walked.frames.size() < AT_MAX_NATIVE_FRAMES) {
        walked.frames.push_back(registers.ip);
        const auto known = recipe_at(registers.ip - (is_return ? 1 : 0));
        const auto recipe = std::bit_cast<at_unwind_recipe>(known.value_or(unwind::Recipe{}));
        switch (at_unwind_step(&recipe, &registers)) {
            case AT_STEP_RETURN: is_return = true; continue;
            case AT_STEP_EXACT: is_return = false; continue;
            case AT_STEP_END: walked.result = AT_NATIVE_WHOLE; break;
            case AT_STEP_NO_RECIPE: walked.result = known ? AT_NATIVE_NO_RECIPE : AT_NATIVE_UNMAPPED; break;
            default: walked.result = AT_NATIVE_UNREADABLE; break;
        }
        break;
    }
    reading = nullptr;
    return walked;
}

}  // namespace autotune::symbols
