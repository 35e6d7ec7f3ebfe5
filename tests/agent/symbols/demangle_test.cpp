#include "agent/symbols/demangle.hpp"

#include <gtest/gtest.h>

namespace autotune::symbols {
namespace {

TEST(Demangle, KnowsCxx) {
    EXPECT_EQ(demangle("_ZNSt6vectorIiSaIiEE9push_backEOi"),
              "std::vector<int, std::allocator<int> >::push_back(int&&)");
}

TEST(Demangle, KnowsRustsLegacyNames) {
    EXPECT_EQ(demangle("_ZN4core3ptr13drop_in_place17h0123456789abcdefE"), "core::ptr::drop_in_place");
    EXPECT_EQ(demangle("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE"),
              "<Test + 'static as foo::Bar<Test>>::bar");
}

TEST(Demangle, KnowsRustsNames) {
    EXPECT_EQ(demangle("_RNvC6_123foo3bar"), "123foo::bar");
    EXPECT_EQ(demangle("_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3new"), "<std::path::PathBuf>::new");
}

TEST(Demangle, LeavesOtherNamesAlone) {
    for (const char* name : {"main", "_Zgarbage", "_R", "_RNvgarbage", "", "_ZN", "_RYFG_FGyF"})
        EXPECT_EQ(demangle(name), name);
}

// A generic argument that is a tuple; each tuple holds the one before it twice, by where it is in the name.
std::string nested(int depth) {
    std::string name = "_RINvC1a1bTuuE";
    std::size_t last = 8;  // of the tuple, behind "_R"
    for (int i = 0; i < depth; ++i) {
        const std::size_t here = name.size() - 2;
        std::string back;
        for (std::size_t n = last - 1;; n /= 62) {
            const auto d = static_cast<int>(n % 62);
            back.insert(back.begin(), static_cast<char>(d < 10 ? '0' + d : d < 36 ? 'a' + d - 10 : 'A' + d - 36));
            if (n < 62) break;
        }
        name += "TB" + back + "_B" + back + "_E";
        last = here;
    }
    return name + "E";
}

// Types of which each has the one before it twice, by substitution: 160 characters stand for a megabyte, 210 for 40.
std::string doubling(int depth) {
    static constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    std::string name = "_Z1f1AIccES_IS0_S0_E";
    for (int i = 1; i < depth; ++i) {
        const std::string last = std::string("S") + kDigits[i] + "_";
        name += "S_I" + last + last + "E";
    }
    return name;
}

TEST(Demangle, LeavesACxxNameThatStandsForOneWithoutEnd) {
    EXPECT_EQ(demangle(doubling(2)),
              "f(A<char, char>, A<A<char, char>, A<char, char> >, A<A<A<char, char>, A<char, char> >, A<A<char, char>, A<char, char> > >)");
    EXPECT_EQ(demangle(doubling(30)), doubling(30)) << "2^30 pieces";
}

TEST(Demangle, LeavesANameThatStandsForOneWithoutEnd) {
    EXPECT_EQ(demangle(nested(1)), "a::b::<((), ()), (((), ()), ((), ()))>");
    EXPECT_EQ(demangle(nested(40)), nested(40)) << "2^40 pieces";
    EXPECT_EQ(demangle("_Z" + std::string(1 << 20, 'P')).size(), (1u << 20) + 2);
}

}  // namespace
}  // namespace autotune::symbols
