// OpenSSL is found where it is, and not where it is only used.
#include "agent/bpf/tls_library.hpp"

#include <fcntl.h>
#include <glob.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bpf/logic/tls.h"
#include "os/fd.hpp"

namespace autotune::test {
namespace {

std::optional<std::string> system_library(const char* name) {
    for (const std::string folder : {"/usr/lib/*-linux-gnu/", "/usr/lib64/", "/usr/lib/"}) {
        glob_t found{};
        std::optional<std::string> path;
        if (glob((folder + name).c_str(), 0, nullptr, &found) == 0) path = found.gl_pathv[0];
        globfree(&found);
        if (path) return path;
    }
    return std::nullopt;
}

Result<std::optional<TlsSites>> sites_of(const std::string& path) {
    const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return find_tls_sites(file.get(), path);
}

TEST(TlsLibrary, IsFoundInOpenSsl) {
    const auto path = system_library("libssl.so.[13]*");
    if (!path) GTEST_SKIP() << "there is no libssl";
    const auto sites = sites_of(*path);
    ASSERT_TRUE(sites && *sites);
    const auto& s = **sites;
    ASSERT_EQ(s.offsets.size(), s.cookies.size());
    ASSERT_EQ(s.return_offsets.size(), s.return_cookies.size());
    for (const auto call : {AT_TLS_READ_EX, AT_TLS_WRITE_EX, AT_TLS_HANDSHAKE, AT_TLS_FREE})
        EXPECT_EQ(std::ranges::count(s.cookies, call), 1) << call;
    EXPECT_EQ(std::ranges::count(s.return_cookies, AT_TLS_FREE), 0) << "a return is probed for nothing";
    auto offsets = s.offsets;
    std::ranges::sort(offsets);
    EXPECT_EQ(std::ranges::adjacent_find(offsets), offsets.end()) << "a place is probed twice";
}

TEST(TlsLibrary, IsNotFoundWhereItIsOnlyCalledOrNotEvenThat) {
    for (const char* name : {"libcurl.so.4", "libc.so.6"}) {
        const auto path = system_library(name);
        if (!path) continue;
        const auto sites = sites_of(*path);
        ASSERT_TRUE(sites) << sites.error().message;
        EXPECT_FALSE(*sites) << name;
    }
}

TEST(TlsLibrary, IsNotFoundInWhatIsNoProgram) {
    const auto sites = sites_of("/etc/passwd");
    ASSERT_TRUE(sites);
    EXPECT_FALSE(*sites);
}

}  // namespace
}  // namespace autotune::test
