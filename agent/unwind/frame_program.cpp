#include "agent/unwind/frame_program.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "agent/unwind/byte_reader.hpp"

namespace autotune::unwind {

namespace {

// Register numbers of the x86-64 ABI.
constexpr std::uint64_t kRbp = 6, kRsp = 7;
constexpr std::size_t kMostRemembered = 64;
constexpr std::size_t kMostCommon = 512;  // bytes of instructions that are run for each function again; compilers write some 10

// DWARF 5, section 7.24.
enum : std::uint8_t {
    kAdvanceLoc = 0x40,
    kOffset = 0x80,
    kRestore = 0xc0,  // with an operand in the low six bits
    kNop = 0x00,
    kSetLoc,
    kAdvanceLoc1,
    kAdvanceLoc2,
    kAdvanceLoc4,
    kOffsetExtended,
    kRestoreExtended,
    kUndefined,
    kSameValue,
    kRegister,
    kRememberState,
    kRestoreState,
    kDefCfa,
    kDefCfaRegister,
    kDefCfaOffset,
    kDefCfaExpression,
    kExpression,
    kOffsetExtendedSf,
    kDefCfaSf,
    kDefCfaOffsetSf,
    kValOffset,
    kValOffsetSf,
    kValExpression,
    kGnuWindowSave = 0x2d,
    kGnuArgsSize,
    kGnuNegativeOffsetExtended,
};

enum class Rule : std::uint8_t { same, undefined, offset, expression, other };

struct RegisterRule {
    Rule rule = Rule::same;
    std::int64_t offset = 0;  // of CFA
    std::span<const std::uint8_t> expression;
};

struct State {
    std::uint64_t cfa_register = kRsp;
    std::int64_t cfa_offset = 8;
    std::optional<std::span<const std::uint8_t>> cfa_expression;
    RegisterRule rbp, return_address;
};

bool equal(std::span<const std::uint8_t> a, std::initializer_list<std::uint8_t> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// "the register breg plus a number", and nothing else behind it but `rest`.
std::optional<std::int64_t> base_plus(std::span<const std::uint8_t> expression, std::uint8_t opcode,
                                      std::initializer_list<std::uint8_t> rest) {
    ByteReader in(expression);
    if (in.number<std::uint8_t>() != opcode) return std::nullopt;
    const std::int64_t offset = in.sleb();
    if (in.failed() || !equal(in.take(in.left()), rest)) return std::nullopt;
    return offset;
}

constexpr std::uint8_t kBregRbp = 0x76, kBregRsp = 0x77, kDeref = 0x06, kPlusUconst = 0x23;

// What linkers write for the procedure linkage table: rsp + 8 + ((rip & 15 >= N) << 3).
std::optional<std::int32_t> plt_threshold(std::span<const std::uint8_t> e) {
    if (e.size() != 11) return std::nullopt;
    const std::uint8_t literal = e[6];
    if (literal < 0x30 || literal > 0x3f) return std::nullopt;
    // breg7 8, breg16 0, lit15, and, litN, ge, lit3, shl, plus
    if (!equal(e, {0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, literal, 0x2a, 0x33, 0x24, 0x22})) return std::nullopt;
    return literal - 0x30;
}

template <class T>
bool fits(std::int64_t value) {
    return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

// nullopt: beyond us.
std::optional<Recipe> recipe_of(const State& state, bool is_signal_frame) {
    Recipe out;
    if (state.return_address.rule == Rule::undefined) return Recipe{.cfa = CfaRule::end};
    if (is_signal_frame) {
        // The kernel's frame, as libc describes it: rsp is in the sigcontext at rsp + 160.
        if (state.cfa_expression && base_plus(*state.cfa_expression, kBregRsp, {kDeref}) == 160)
            return Recipe{.cfa = CfaRule::signal};
        return std::nullopt;
    }
    if (state.return_address.rule != Rule::offset || state.return_address.offset != -8) return std::nullopt;
    if (state.cfa_expression) {
        if (const auto threshold = plt_threshold(*state.cfa_expression)) {
            out.cfa = CfaRule::plt;
            out.cfa_offset = *threshold;
        } else if (const auto saved = base_plus(*state.cfa_expression, kBregRsp, {kDeref, kPlusUconst, 8});
                   saved && fits<std::int32_t>(*saved)) {
            out.cfa = CfaRule::deref_rsp;
            out.cfa_offset = static_cast<std::int32_t>(*saved);
        } else if (const auto offset = base_plus(*state.cfa_expression, kBregRbp, {kDeref});
                   offset && fits<std::int32_t>(*offset)) {
            out.cfa = CfaRule::deref_rbp;
            out.cfa_offset = static_cast<std::int32_t>(*offset);
        } else {
            return std::nullopt;
        }
    } else {
        if (state.cfa_register != kRsp && state.cfa_register != kRbp) return std::nullopt;
        if (!fits<std::int32_t>(state.cfa_offset)) return std::nullopt;
        out.cfa = state.cfa_register == kRsp ? CfaRule::rsp : CfaRule::rbp;
        out.cfa_offset = static_cast<std::int32_t>(state.cfa_offset);
    }
    switch (state.rbp.rule) {
        case Rule::same:
        case Rule::undefined: break;  // not kept: nobody below needs it then
        case Rule::offset:
            if (!fits<std::int16_t>(state.rbp.offset)) return std::nullopt;
            out.rbp = RbpRule::at_cfa;
            out.rbp_offset = static_cast<std::int16_t>(state.rbp.offset);
            break;
        case Rule::expression: {
            const auto offset = base_plus(state.rbp.expression, kBregRbp, {});
            if (!offset || !fits<std::int16_t>(*offset)) return std::nullopt;
            out.rbp = RbpRule::at_rbp;
            out.rbp_offset = static_cast<std::int16_t>(*offset);
            break;
        }
        case Rule::other: return std::nullopt;
    }
    return out;
}

class Machine {
public:
    Machine(const CommonFrame& common, std::uint64_t start, std::uint64_t end, std::vector<FrameRow>& rows)
        : common_(common), at_(start), end_(end), rows_(rows) {}

    ProgramResult run(std::span<const std::uint8_t> instructions) {
        if (common_.instructions.size() > kMostCommon) return {.damaged = true};
        execute(common_.instructions, Phase::common);
        initial_ = state_;
        execute(instructions, Phase::function);
        put_row();
        return result_;
    }

private:
    enum class Phase : std::uint8_t { common, function };

    RegisterRule* rule(std::uint64_t column) {
        if (column == kRbp) return &state_.rbp;
        if (column == common_.return_column) return &state_.return_address;
        return nullptr;  // not followed
    }
    void set(std::uint64_t column, const RegisterRule& to) {
        if (RegisterRule* r = rule(column)) *r = to;
    }
    void restore(std::uint64_t column) {
        if (column == kRbp) state_.rbp = initial_.rbp;
        if (column == common_.return_column) state_.return_address = initial_.return_address;
    }
    [[nodiscard]] std::int64_t scaled(std::uint64_t offset) const {
        return static_cast<std::int64_t>(offset * static_cast<std::uint64_t>(common_.data_alignment));
    }

    void advance(std::uint64_t delta, Phase phase) {
        if (phase == Phase::common) return;
        put_row();
        const std::uint64_t step = delta * common_.code_alignment;
        at_ = step > end_ - at_ ? end_ : at_ + step;
    }

    void put_row() {
        if (at_ >= end_) return;
        auto recipe = recipe_of(state_, common_.is_signal_frame);
        if (!recipe) {
            ++result_.unsupported;
            recipe = Recipe{};
        }
        if (!rows_.empty() && rows_.back().address == at_ && has_row_)
            rows_.back().recipe = *recipe;
        else
            rows_.push_back({at_, *recipe});
        has_row_ = true;
    }

    void execute(std::span<const std::uint8_t> instructions, Phase phase) {
        ByteReader in(instructions);
        while (!in.done() && !result_.damaged) {
            const auto byte = in.number<std::uint8_t>();
            const std::uint8_t high = byte & 0xc0, low = byte & 0x3f;
            if (high == kAdvanceLoc)
                advance(low, phase);
            else if (high == kOffset)
                set(low, {Rule::offset, scaled(in.uleb()), {}});
            else if (high == kRestore)
                restore(low);
            else
                extended(byte, in, phase);
        }
        if (in.failed()) result_.damaged = true;
    }

    void extended(std::uint8_t opcode, ByteReader& in, Phase phase) {
        switch (opcode) {
            case kNop: return;
            case kSetLoc: result_.damaged = true; return;  // no x86-64 compiler writes it
            case kAdvanceLoc1: return advance(in.number<std::uint8_t>(), phase);
            case kAdvanceLoc2: return advance(in.number<std::uint16_t>(), phase);
            case kAdvanceLoc4: return advance(in.number<std::uint32_t>(), phase);
            case kRestoreExtended: return restore(in.uleb());
            case kUndefined: return set(in.uleb(), {Rule::undefined, 0, {}});
            case kSameValue: return set(in.uleb(), {});
            case kRememberState:
                if (remembered_.size() < kMostRemembered) remembered_.push_back(state_);
                return;
            case kRestoreState:
                if (remembered_.empty()) return void(result_.damaged = true);
                state_ = remembered_.back();
                remembered_.pop_back();
                return;
            case kOffsetExtended: {
                const std::uint64_t column = in.uleb();
                return set(column, {Rule::offset, scaled(in.uleb()), {}});
            }
            case kOffsetExtendedSf: {
                const std::uint64_t column = in.uleb();
                return set(column, {Rule::offset, scaled(static_cast<std::uint64_t>(in.sleb())), {}});
            }
            case kGnuNegativeOffsetExtended: {
                const std::uint64_t column = in.uleb();
                return set(column, {Rule::offset, -scaled(in.uleb()), {}});
            }
            case kExpression: {
                const std::uint64_t column = in.uleb();
                return set(column, {Rule::expression, 0, in.take(in.uleb())});
            }
            case kRegister:
            case kValOffset:
            case kValOffsetSf: {
                const std::uint64_t column = in.uleb();
                in.uleb();  // as long, whether signed or not
                return set(column, {Rule::other, 0, {}});
            }
            case kValExpression: {
                const std::uint64_t column = in.uleb();
                in.take(in.uleb());
                return set(column, {Rule::other, 0, {}});
            }
            case kGnuWindowSave: return;
            case kGnuArgsSize: in.uleb(); return;
            default: return define_cfa(opcode, in);
        }
    }

    void define_cfa(std::uint8_t opcode, ByteReader& in) {
        switch (opcode) {
            case kDefCfa:
                state_.cfa_register = in.uleb();
                state_.cfa_offset = static_cast<std::int64_t>(in.uleb());
                break;
            case kDefCfaSf:
                state_.cfa_register = in.uleb();
                state_.cfa_offset = scaled(static_cast<std::uint64_t>(in.sleb()));
                break;
            case kDefCfaRegister: state_.cfa_register = in.uleb(); break;
            case kDefCfaOffset: state_.cfa_offset = static_cast<std::int64_t>(in.uleb()); break;
            case kDefCfaOffsetSf: state_.cfa_offset = scaled(static_cast<std::uint64_t>(in.sleb())); break;
            case kDefCfaExpression: state_.cfa_expression = in.take(in.uleb()); return;
            default: result_.damaged = true; return;
        }
        state_.cfa_expression.reset();
    }

    const CommonFrame& common_;
    std::uint64_t at_;
    const std::uint64_t end_;
    std::vector<FrameRow>& rows_;
    bool has_row_ = false;
    State state_, initial_;
    std::vector<State> remembered_;
    ProgramResult result_;
};

}  // namespace

ProgramResult run_frame_program(const CommonFrame& common, std::span<const std::uint8_t> instructions,
                                std::uint64_t start, std::uint64_t end, std::vector<FrameRow>& rows) {
    return Machine(common, start, end, rows).run(instructions);
}

}  // namespace autotune::unwind
