#include "agent/tables/csv_table.hpp"

#include <gtest/gtest.h>

namespace autotune {
namespace {

struct Read {
    Status status;
    std::vector<std::string> cells;
    std::uint64_t rows = 0;
};

Read read(const std::string& text, std::size_t piece = 7) {
    CsvTable table({{"size"}, {"note", CsvColumn::Need::optional}});
    Read out;
    const auto take = [&](const CsvRow& row) -> Status {
        const auto size = row.number(0);
        if (!size) return size.forward();
        out.cells.push_back(*size ? std::to_string(static_cast<int>(**size)) : "?");
        out.cells.emplace_back(row.text(1));
        return ok();
    };
    for (std::size_t at = 0; at < text.size() && out.status; at += piece)
        out.status = table.feed(std::string_view(text).substr(at, piece), take);
    if (out.status) out.status = table.finish(take);
    out.rows = table.rows();
    return out;
}

TEST(CsvTable, FindsColumnsByNameInAnyOrder) {
    const Read r = read("other,note,size\n1,a,2\nx,\"b, \"\"c\"\"\", 3 \n");
    ASSERT_TRUE(r.status) << r.status.error().message;
    EXPECT_EQ(r.cells, (std::vector<std::string>{"2", "a", "3", "b, \"c\""}));
    EXPECT_EQ(r.rows, 2u);
}

TEST(CsvTable, ACellThatIsNotThereIsNotKnown) {
    EXPECT_EQ(read("note,size\na,1\nb\n,\n").cells, (std::vector<std::string>{"1", "a", "?", "b", "?", ""}));
    EXPECT_EQ(read("size\n1\n").cells, (std::vector<std::string>{"1", ""}));
}

TEST(CsvTable, TakesLinesOfAnyEndAndNoLineAtTheEnd) {
    EXPECT_EQ(read("\xEF\xBB\xBFsize,note\r\n1,a\r\n\r\n2,b").cells, (std::vector<std::string>{"1", "a", "2", "b"}));
}

TEST(CsvTable, SaysWhereItIsWrong) {
    const auto message = [](const std::string& text) {
        const Read r = read(text);
        return r.status ? std::string("nothing") : r.status.error().message;
    };
    EXPECT_EQ(message(""), "1:1: the table is empty: its first line must name the columns");
    EXPECT_EQ(message("a,b\n"), "1:1: there is no column \"size\"");
    EXPECT_EQ(message("size,size\n"), "1:1: there are two columns \"size\"");
    EXPECT_EQ(message("note,size\na,1\nab,x1\n"), "3:4: size: \"x1\" is not a number");
    EXPECT_EQ(message("size\n1e999\n"), "2:1: size: \"1e999\" is not a number");
    EXPECT_EQ(message("size\nNaN\n"), "2:1: size: \"NaN\" is not a finite number");
    EXPECT_EQ(message("size\ninf\n"), "2:1: size: \"inf\" is not a finite number");
    EXPECT_EQ(message("size\n  -2\n"), "2:3: size: \"-2\" is negative");
    EXPECT_EQ(message("size\n\"1\n"), "2:1: a quote is not closed, or text follows it");
}

TEST(CsvTable, AfterAnErrorNothingMoreIsTaken) {
    const Read r = read("size\n1\nx\n2\n", 100);
    EXPECT_FALSE(r.status);
    EXPECT_EQ(r.rows, 2u);
}

}  // namespace
}  // namespace autotune
