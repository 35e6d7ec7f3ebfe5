// Any bytes are instructions or not; sites are inside the code that was given.
#include "agent/native/exit_sites.hpp"
#include "agent/native/probe_site.hpp"
#include "agent/native/x86_instruction.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune::native;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::span<const std::byte> code(reinterpret_cast<const std::byte*>(data), size);
    for (std::size_t at = 0; at < size;) {
        const auto i = decode_x86(code.subspan(at));
        if (!i) break;
        autotune::fuzz::require(i->length > 0 && i->length <= size - at, "an instruction has its bytes");
        at += i->length;
    }
    for (const LongNops nops : {LongNops::stepped, LongNops::emulated}) {
        const ProbeSite entry = choose_entry_site(code, Machine::x86_64, nops);
        autotune::fuzz::require(entry.into == 0 || entry.into < size, "the site is in the function");
        (void)takes_probe(code, entry.into, Machine::x86_64);
        (void)choose_inner_site(code, size > 0 ? data[0] : 0, Machine::x86_64, nops);
    }
    (void)is_plain_leaf(code);
    if (const auto exits = find_exit_sites(code))
        for (const std::uint32_t into : exits->into)
            autotune::fuzz::require(takes_probe(code, into, Machine::x86_64) && into < size,
                                    "an exit is in the function, and takes a probe");
    return 0;
}
