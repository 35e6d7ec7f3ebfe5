// The recording's format: Events and the tables they refer to, exactly, for as long as they are wanted.
//
//     file    = magic(8) version(1) block…
//     block   = kind(1) size(4) crc32(4) payload(size)         sizes and checksums little-endian
//     note    = text key, text value                           what the events do not say: backend, command, …
//     strings = n, n × text                                    each appends to its table; ids 0 and 1 are in
//     frames  = n, n × (name, module, build_id, file, line, kind)    every table from the beginning
//     stacks  = n, n × (n, n × frame)
//     events  = n, n × event                                   one poll's, in the order of their source
//     end     = number of all events                           the last block: without it the file was cut
//
// Within payloads a number is a LEB128 varint, a signed one zigzag, a text its length and its bytes. An event
// is kind(1), head, body: the kind is the index in EventBody (append only), with the top bit set when
// process, thread, cgroup and backend are those of the event before and left out; `at` is the difference to
// the event before it in the block. The members of a body come in the order of event_fields.hpp.
//
// A block's checksum covers kind, size and payload. Ids refer to tables of earlier blocks, so a damaged block
// ends what can be used, and everything before it stands.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace autotune::recording {

inline constexpr std::array<unsigned char, 8> kMagic = {0x89, 'a', 't', 'r', 'e', 'c', '\n', 0x1a};
inline constexpr unsigned char kVersion = 8;  // raised with every change of the members of an event

enum class Block : unsigned char { note = 1, strings, frames, stacks, events, end };

inline constexpr std::size_t kBlockHead = 1 + 4 + 4;
inline constexpr std::size_t kLargestBlock = 256u << 20;
inline constexpr unsigned char kSameOwner = 0x80;

}  // namespace autotune::recording
