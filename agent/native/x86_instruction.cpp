#include "agent/native/x86_instruction.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace autotune::native {

namespace {

constexpr std::size_t kLongest = 15;

// What follows an opcode, one character for each of a map's 256, sixteen to a line:
//   . nothing   m ModRM   b byte   z 4 bytes (2 with the operand-size prefix)   d always 4 bytes
//   B ModRM and byte   Z ModRM and z   w 2 bytes   q 8 bytes with REX.W, else z   a address   e enter
//   t ModRM, and an operand by its reg field (F6, F7)   - invalid   p prefix or escape
constexpr std::string_view kOneByte =
    "mmmmbz--mmmmbz-p"  // 00
    "mmmmbz--mmmmbz--"  // 10
    "mmmmbzp-mmmmbzp-"  // 20
    "mmmmbzp-mmmmbzp-"  // 30
    "pppppppppppppppp"  // 40: REX
    "................"  // 50
    "---mppppzZbB...."  // 60: 62 is EVEX
    "bbbbbbbbbbbbbbbb"  // 70
    "BZ-Bmmmmmmmmmmmm"  // 80
    "..........-....."  // 90
    "aaaa....bz......"  // a0
    "bbbbbbbbqqqqqqqq"  // b0
    "BBw.ppBZe.w..b-."  // c0
    "mmmm---.mmmmmmmm"  // d0
    "bbbbbbbbdd-b...."  // e0
    "p.pp..tt......mm";  // f0
constexpr std::string_view kTwoByte =
    "mmmm-.....-.-m.B"  // 0f 00
    "mmmmmmmmmmmmmmmm"  // 10
    "mmmm----mmmmmmmm"  // 20
    "........p-p-----"  // 30
    "mmmmmmmmmmmmmmmm"  // 40
    "mmmmmmmmmmmmmmmm"  // 50
    "mmmmmmmmmmmmmmmm"  // 60
    "BBBBmmm.mm--mmmm"  // 70
    "dddddddddddddddd"  // 80
    "mmmmmmmmmmmmmmmm"  // 90
    "...mBm--...mBmmm"  // a0
    "mmmmmmmmmmBmmmmm"  // b0
    "mmBmBBBm........"  // c0
    "mmmmmmmmmmmmmmmm"  // d0
    "mmmmmmmmmmmmmmmm"  // e0
    "mmmmmmmmmmmmmmmm";  // f0
static_assert(kOneByte.size() == 256 && kTwoByte.size() == 256);

enum class Map : std::uint8_t { one, two, three8, three_a, other };

class Decoder {
public:
    explicit Decoder(std::span<const std::byte> code) : code_(code.first(std::min(code.size(), kLongest))) {}

    std::optional<X86Instruction> decode() {
        if (!read_prefixes()) return std::nullopt;
        if (!read_opcode()) return std::nullopt;
        if (bad_ || at_ > code_.size()) return std::nullopt;
        found_.length = static_cast<std::uint8_t>(at_);
        describe();
        return found_;
    }

private:
    std::uint8_t byte_at(std::size_t at) {
        if (at >= code_.size()) {
            bad_ = true;
            return 0;
        }
        return std::to_integer<std::uint8_t>(code_[at]);
    }
    std::uint8_t take() { return byte_at(at_++); }

    bool read_prefixes() {
        for (;;) {
            const std::uint8_t b = byte_at(at_);
            if (bad_) return false;
            if (b == 0x66) operand_16_ = true;
            else if (b == 0x67) address_32_ = true;
            else if (b == 0xf2 || b == 0xf3) repeat_ = b;
            else if (b == 0x2e || b == 0x36 || b == 0x3e || b == 0x26) segment_ = b;
            else if (b == 0xf0) is_locked_ = true;
            else if (b != 0x64 && b != 0x65) break;
            ++at_;
        }
        if ((byte_at(at_) & 0xf0) == 0x40) rex_ = take();
        return !bad_;
    }

    bool read_opcode() {
        opcode_ = take();
        if (opcode_ == 0xc4 || opcode_ == 0xc5) return read_vex();
        if (opcode_ == 0x62) return read_evex();
        if (opcode_ == 0x8f && ((byte_at(at_) >> 3) & 7) != 0) return read_xop();
        if (opcode_ != 0x0f) return read_operands(kOneByte[opcode_]);
        opcode_ = take();
        map_ = Map::two;
        if (opcode_ == 0x38 || opcode_ == 0x3a) {
            map_ = opcode_ == 0x38 ? Map::three8 : Map::three_a;
            opcode_ = take();
            return read_operands(map_ == Map::three8 ? 'm' : 'B');
        }
        return read_operands(kTwoByte[opcode_]);
    }

    bool read_vex() {
        std::uint8_t map = 1;
        const bool has_rex_or_16 = rex_ != 0 || operand_16_ || repeat_ != 0;
        if (opcode_ == 0xc4) map = take() & 31;
        (void)take();
        opcode_ = take();
        vector_ = true;
        if (has_rex_or_16 || map == 0 || map > 3) return false;
        if (map == 1 && opcode_ == 0x77) return !bad_;  // vzeroupper
        return read_operands(map == 3 || (map == 1 && has_byte(opcode_)) ? 'B' : 'm');
    }

    bool read_evex() {
        const std::uint8_t map = take() & 7;
        (void)take();
        (void)take();
        opcode_ = take();
        vector_ = true;
        if (rex_ != 0 || map == 0 || map == 4 || map == 7) return false;
        return read_operands(map == 3 || (map == 1 && has_byte(opcode_)) ? 'B' : 'm');
    }

    bool read_xop() {
        const std::uint8_t map = take() & 31;
        (void)take();
        opcode_ = take();
        vector_ = true;
        if (map < 8 || map > 10) return false;
        if (!read_operands('m')) return false;
        at_ += map == 8 ? 1 : map == 10 ? 4 : 0;
        return !bad_;
    }

    // Of the vector instructions in the two-byte map, those that end in a byte.
    static bool has_byte(std::uint8_t opcode) {
        return (opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 || (opcode >= 0xc4 && opcode <= 0xc6);
    }

    bool read_operands(char what) {
        const std::size_t z = operand_16_ && (rex_ & 8) == 0 ? 2 : 4;
        switch (what) {
            case '.': break;
            case 'm': read_modrm(); break;
            case 'b': at_ += 1; break;
            case 'w': at_ += 2; break;
            case 'e': at_ += 3; break;
            case 'z': at_ += z; break;
            case 'd': at_ += 4; break;
            case 'B': read_modrm(); at_ += 1; break;
            case 'Z': read_modrm(); at_ += z; break;
            case 'q': at_ += (rex_ & 8) != 0 ? 8 : z; break;
            case 'a': at_ += address_32_ ? 4 : 8; break;
            case 't':
                read_modrm();
                if (reg_field() <= 1) at_ += opcode_ == 0xf6 ? 1 : z;
                break;
            default: return false;
        }
        return !bad_;
    }

    void read_modrm() {
        modrm_ = take();
        const std::uint8_t mod = modrm_ >> 6;
        if (mod == 3) return;
        bool far_displacement = mod == 2 || (mod == 0 && (modrm_ & 7) == 5);
        if ((modrm_ & 7) == 4 && (take() & 7) == 5 && mod == 0) far_displacement = true;
        at_ += far_displacement ? 4 : mod == 1 ? 1 : 0;
    }

    [[nodiscard]] std::uint8_t reg_field() const { return (modrm_ >> 3) & 7; }
    [[nodiscard]] bool is_memory() const { return (modrm_ >> 6) != 3; }

    void describe() {
        found_.is_probeable =
            !is_locked_ && segment_ == 0 && !vector_ && !(map_ == Map::one && is_refused(opcode_));
        found_.has_operand_prefix = operand_16_;
        found_.has_notrack = segment_ == 0x3e;
        if (vector_) return;
        if (map_ == Map::one) return describe_one_byte();
        if (map_ == Map::two) return describe_two_byte();
    }

    std::int32_t last(std::size_t size) const {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < size; ++i)
            value |= std::to_integer<std::uint32_t>(code_[at_ - size + i]) << (8 * i);
        return size == 1 ? static_cast<std::int8_t>(value) : static_cast<std::int32_t>(value);
    }

    void go(Flow flow, std::size_t size) {
        found_.flow = flow;
        found_.displacement = last(size);
    }

    void describe_one_byte() {
        const std::uint8_t op = opcode_;
        if (op >= 0x70 && op <= 0x7f) return go(Flow::branch, 1);
        if (op >= 0xe0 && op <= 0xe3) return go(Flow::branch, 1);  // loop, jrcxz
        if (op == 0xeb) return go(Flow::jump, 1);
        if (op == 0xe9) return go(Flow::jump, 4);
        if (op == 0xe8) return go(Flow::call, 4);
        if (op == 0xc2 || op == 0xc3 || op == 0xca || op == 0xcb || op == 0xcf) found_.flow = Flow::leave;
        if (op == 0xcc || op == 0xf4) found_.flow = Flow::trap;
        if (op == 0xff) {
            if (reg_field() == 2 || reg_field() == 3) found_.flow = Flow::indirect_call;
            if (reg_field() == 4 || reg_field() == 5) found_.flow = Flow::indirect_jump;
        }
        if (op == 0x90 && (rex_ & 1) == 0 && repeat_ == 0) found_.is_nop = found_.is_harmless = true;
        if (op >= 0x50 && op <= 0x57) found_.is_push = !operand_16_ && repeat_ == 0 && segment_ == 0;
        describe_moves(op);
    }

    // The plain ones that compilers put before the first push: moves, arithmetic, tests.
    void describe_moves(std::uint8_t op) {
        if (op < 0x40 && (op & 7) <= 5) {  // add, or, adc, sbb, and, sub, xor, cmp
            const bool compares = (op & 0x38) == 0x38;
            if ((op & 7) >= 4) return writes_register(0, !compares);
            return (op & 2) != 0 ? writes_register(reg(), !compares) : writes_rm(!compares);
        }
        switch (op) {
            case 0x63: case 0x8a: case 0x8b: case 0x8d: return writes_register(reg(), true);
            case 0x80: case 0x81: case 0x83: return writes_rm(reg_field() != 7);
            case 0x84: case 0x85: case 0xa8: case 0xa9: return writes_rm(false);
            case 0x88: case 0x89: case 0xc6: case 0xc7: return writes_rm(true);
            default: break;
        }
        if (op >= 0xb0 && op <= 0xbf)
            writes_register(static_cast<std::uint8_t>((op & 7) | ((rex_ & 1) << 3)), true);
        if ((op == 0xf6 || op == 0xf7) && reg_field() <= 1) writes_rm(false);  // test
        if ((op == 0xfe || op == 0xff) && reg_field() <= 1) writes_rm(true);   // inc, dec
    }

    void describe_two_byte() {
        const std::uint8_t op = opcode_;
        if (op >= 0x80 && op <= 0x8f) return go(Flow::branch, 4);
        if (op == 0x0b || op == 0xb9 || op == 0xff) found_.flow = Flow::trap;
        if (op == 0x1e && repeat_ == 0xf3 && modrm_ == 0xfa) found_.is_endbr = found_.is_harmless = true;
        if (op == 0x1f) found_.is_nop = found_.is_harmless = true;
        if (op == 0xb6 || op == 0xb7 || op == 0xbe || op == 0xbf) writes_register(reg(), true);
        describe_sse(op);
    }

    // Loads, stores and clears of vector registers; arguments in those are not looked at.
    void describe_sse(std::uint8_t op) {
        const bool loads = op == 0x10 || op == 0x28 || op == 0x57 || op == 0x6f || op == 0xef || op == 0x12;
        const bool stores = op == 0x11 || op == 0x29 || op == 0x7f || op == 0x13;
        if (!loads && !stores) return;
        found_.is_harmless = true;
        found_.writes_memory = stores && is_memory();
    }

    // Interrupts and port I/O.
    static bool is_refused(std::uint8_t opcode) {
        static constexpr std::array<std::uint8_t, 20> kRefused{0x6c, 0x6d, 0x6e, 0x6f, 0xcc, 0xcd, 0xce,
                                                               0xcf, 0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed,
                                                               0xee, 0xef, 0xf1, 0xf4, 0xfa, 0xfb};
        return std::ranges::find(kRefused, opcode) != kRefused.end();
    }

    [[nodiscard]] std::uint8_t reg() const {
        return static_cast<std::uint8_t>(reg_field() | ((rex_ & 4) << 1));
    }

    void writes_rm(bool writes) {
        if (is_memory()) {
            found_.is_harmless = true;
            found_.writes_memory = writes;
        } else {
            writes_register(static_cast<std::uint8_t>((modrm_ & 7) | ((rex_ & 1) << 3)), writes);
        }
    }

    // Only rax, rbx and r11 to r15 hold no argument (r10: a nested function's frame) and are no frame pointer.
    // Without REX, 4 to 7 of a byte operation are ah to bh: refused like the whole registers of those numbers.
    void writes_register(std::uint8_t number, bool writes) {
        found_.is_harmless = !writes || number == 0 || number == 3 || number >= 11;
    }

    std::span<const std::byte> code_;
    std::size_t at_ = 0;
    bool bad_ = false;
    bool operand_16_ = false;
    bool address_32_ = false;
    bool vector_ = false;
    bool is_locked_ = false;
    std::uint8_t repeat_ = 0;
    std::uint8_t segment_ = 0;
    std::uint8_t rex_ = 0;
    std::uint8_t opcode_ = 0;
    std::uint8_t modrm_ = 0;
    Map map_ = Map::one;
    X86Instruction found_;
};

}  // namespace

std::optional<X86Instruction> decode_x86(std::span<const std::byte> code) { return Decoder(code).decode(); }

}  // namespace autotune::native
