#include "agent/unwind/call_frames.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/unwind/byte_reader.hpp"
#include "agent/unwind/frame_program.hpp"

namespace autotune::unwind {

namespace {

// LSB 5, "DWARF Exception Header Encoding": low four bits the form, the next three what it is relative to.
constexpr std::uint8_t kOmit = 0xff, kAbsolute = 0x00, kPcRelative = 0x10, kForm = 0x0f, kRelative = 0x70,
                       kIndirect = 0x80;

std::optional<std::uint64_t> read_form(ByteReader& in, std::uint8_t form) {
    switch (form) {
        case 0x00:
        case 0x04:
        case 0x0c: return in.number<std::uint64_t>();
        case 0x01: return in.uleb();
        case 0x02: return in.number<std::uint16_t>();
        case 0x03: return in.number<std::uint32_t>();
        case 0x09: return static_cast<std::uint64_t>(in.sleb());
        case 0x0a: return static_cast<std::uint64_t>(std::int64_t{in.number<std::int16_t>()});
        case 0x0b: return static_cast<std::uint64_t>(std::int64_t{in.number<std::int32_t>()});
        default: return std::nullopt;
    }
}

// One function's rows: where in the list of all of them, and what they cover.
struct Function {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::size_t first_row = 0;
    std::size_t row_count = 0;
};

class SectionReader {
public:
    SectionReader(const FrameBytes& section, FrameRows& totals, std::vector<Function>& functions,
                  std::vector<FrameRow>& rows)
        : section_(section), totals_(totals), functions_(functions), rows_(rows) {}

    void read() {
        ByteReader in(section_.bytes);
        while (!in.done()) {
            const std::size_t begin = in.at();
            std::uint64_t size = in.number<std::uint32_t>();
            if (size == 0 && !in.failed()) {
                if (section_.kind == FrameSection::eh_frame) break;  // the terminator
                continue;
            }
            const bool is_long = size == 0xffffffff;
            if (is_long) size = in.number<std::uint64_t>();
            const std::size_t body_at = in.at();
            const auto body = in.take(size);
            if (in.failed()) {
                ++totals_.damaged;
                break;
            }
            entry(begin, body_at, body, is_long);
        }
    }

private:
    void entry(std::size_t begin, std::size_t body_at, std::span<const std::uint8_t> body, bool is_long) {
        ByteReader in(body);
        const std::uint64_t id = is_long ? in.number<std::uint64_t>() : in.number<std::uint32_t>();
        const bool is_eh = section_.kind == FrameSection::eh_frame;
        const std::uint64_t common_id = is_eh ? 0 : is_long ? ~std::uint64_t{0} : 0xffffffffu;
        if (in.failed()) return void(++totals_.damaged);
        if (id == common_id) {
            commons_[begin] = read_common(in);
            if (!commons_[begin]) ++totals_.damaged;
            return;
        }
        // In .eh_frame the distance back to its common entry, else that entry's place in the section.
        const std::uint64_t common_at = is_eh ? body_at - id : id;
        const auto common = commons_.find(common_at);
        if (common == commons_.end() || !common->second) return void(++totals_.damaged);
        if (!read_function(in, body_at, *common->second)) ++totals_.damaged;
    }

    std::optional<CommonFrame> read_common(ByteReader& in) {
        CommonFrame out;
        const auto version = in.number<std::uint8_t>();
        if (version != 1 && version != 3 && version != 4) return std::nullopt;
        std::string augmentation;
        for (char c = in.number<char>(); c != 0; c = in.number<char>()) augmentation += c;
        if (version == 4) {
            const auto address_size = in.number<std::uint8_t>();
            if (address_size != 8 || in.number<std::uint8_t>() != 0) return std::nullopt;
        }
        out.code_alignment = in.uleb();
        out.data_alignment = in.sleb();
        out.return_column = version == 1 ? in.number<std::uint8_t>() : in.uleb();
        std::string_view letters = augmentation;
        if (letters.starts_with('z')) {
            out.has_augmentation_data = true;
            ByteReader data(in.take(in.uleb()));
            for (const char letter : letters.substr(1)) {
                if (letter == 'R') {
                    out.pointer_encoding = data.number<std::uint8_t>();
                } else if (letter == 'P') {
                    const auto encoding = data.number<std::uint8_t>();
                    if (encoding != kOmit && !read_form(data, encoding & kForm)) return std::nullopt;
                } else if (letter == 'L') {
                    data.number<std::uint8_t>();
                } else if (letter == 'S') {
                    out.is_signal_frame = true;
                } else if (letter != 'B') {
                    return std::nullopt;
                }
            }
            if (data.failed()) return std::nullopt;
        } else if (!letters.empty()) {
            return std::nullopt;
        }
        out.instructions = in.take(in.left());
        if (in.failed()) return std::nullopt;
        return out;
    }

    bool read_function(ByteReader& in, std::size_t body_at, const CommonFrame& common) {
        const std::uint64_t here = section_.address + body_at + in.at();
        auto start = read_form(in, common.pointer_encoding & kForm);
        const auto length = read_form(in, common.pointer_encoding & kForm);
        if (!start || !length || (common.pointer_encoding & kIndirect) != 0) return false;
        const std::uint8_t relative = common.pointer_encoding & kRelative;
        if (relative == kPcRelative)
            *start += here;
        else if (relative != kAbsolute)
            return false;
        if (common.has_augmentation_data) in.take(in.uleb());
        if (in.failed() || *start + *length < *start) return false;
        if (*length == 0 || *start == 0) return true;  // removed by the linker
        Function function{*start, *start + *length, rows_.size(), 0};
        const ProgramResult result =
            run_frame_program(common, in.take(in.left()), function.start, function.end, rows_);
        if (result.damaged) {
            rows_.resize(function.first_row);
            return false;
        }
        function.row_count = rows_.size() - function.first_row;
        functions_.push_back(function);
        totals_.unsupported += result.unsupported;
        ++totals_.functions;
        return true;
    }

    const FrameBytes& section_;
    FrameRows& totals_;
    std::vector<Function>& functions_;
    std::vector<FrameRow>& rows_;
    std::unordered_map<std::uint64_t, std::optional<CommonFrame>> commons_;  // by place in the section
};

}  // namespace

FrameRows read_call_frames(std::span<const FrameBytes> sections) {
    FrameRows out;
    std::vector<Function> functions;
    std::vector<FrameRow> rows;
    for (const FrameBytes& section : sections) SectionReader(section, out, functions, rows).read();
    // Stable: of two that describe one place the earlier section's comes first, and stands.
    std::stable_sort(functions.begin(), functions.end(),
                     [](const Function& a, const Function& b) { return a.start < b.start; });
    std::uint64_t described = 0;  // up to here
    const auto put = [&](std::uint64_t address, const Recipe& recipe) {
        if (!out.rows.empty() && out.rows.back().address == address) out.rows.pop_back();
        if (out.rows.empty() ? recipe != Recipe{} : out.rows.back().recipe != recipe)
            out.rows.push_back({address, recipe});
    };
    for (const Function& f : functions) {
        if (f.end <= described) continue;
        if (f.start > described) put(described, {});
        for (std::size_t i = f.first_row; i < f.first_row + f.row_count; ++i) {
            const bool last = i + 1 == f.first_row + f.row_count;
            const std::uint64_t row_end = last ? f.end : rows[i + 1].address;
            if (row_end > described || described == 0)
                put(std::max(rows[i].address, described), rows[i].recipe);
        }
        described = f.end;
    }
    if (described != 0) put(described, {});
    return out;
}

}  // namespace autotune::unwind
