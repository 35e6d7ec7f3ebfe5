// Folded stacks, read: the text of any stackcollapse script, of perf, bcc, py-spy or ourselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/memory_ahead.hpp"
#include "core/profile.hpp"
#include "core/profile_builder.hpp"
#include "core/result.hpp"
#include "exporters/render/stack_batch.hpp"

namespace autotune::render {

// Piece by piece, as the text comes. A thread makes memory ready for what is large. Names may have blanks in them, as perf's do. Empty lines are passed
// over. Memory: the different stacks, not the text; of those in no order up to 200 MB more. What others say of a frame by its name's end is taken
// from there: "_[k]" of the kernel; "(FILE.py:LINE)" CPython's. Stacks whose first frame is kTruncatedFrame
// count as truncated. One owner.
class FoldedReader {
public:
    // So many bytes will come, as far as is known; only speed depends on it.
    void expect(std::size_t bytes);
    // Errors: corrupt, with the line's number; resource_exhausted. Nothing is read after one.
    [[nodiscard]] Status feed(std::string_view piece);
    // The text is over: a last line may lack its end. REQUIRES: called once. Errors: as feed.
    [[nodiscard]] Result<Profile> finish(std::string title, ProfileUnit unit);

private:
    struct Step {
        std::size_t end;  // in last_, behind the name
        std::uint32_t node;
    };
    Status line(std::string_view text);
    Status line_of(std::string_view text);
    std::uint32_t node_of(std::string_view path);
    void add_to_batch(std::string_view path, std::uint64_t weight);
    void look_at_order();

    ProfileBuilder builder_;
    StackBatch batch_;  // once the lines are in no order
    bool is_sorted_ = true;  // nearly
    bool is_ascending_ = true;  // each line so far, by its bytes
    std::size_t descents_ = 0;  // lines that are less than the one before them; of the latest few thousand
    std::vector<std::uint32_t> frames_;  // of one line
    std::string rest_;  // of a line that goes on in the next piece
    std::string last_;  // the stack before
    std::vector<Step> steps_;
    std::uint64_t total_ = 0, truncated_ = 0;
    std::size_t lines_ = 0;
    MemoryAhead ahead_;  // last: what it makes ready outlives it
};

// A whole text at once.
[[nodiscard]] Result<Profile> read_folded(std::string_view text, std::string title, ProfileUnit unit);

}  // namespace autotune::render
