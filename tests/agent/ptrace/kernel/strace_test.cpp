// The same calls and the same bytes as strace's, file by file, of programs that this project did not write, all as an
// unprivileged user.
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <set>
#include <thread>
#include <utility>

#include "tests/agent/bpf/kernel/loopback.hpp"
#include "tests/agent/ptrace/kernel/told.hpp"

namespace autotune::test {
namespace {

struct Sum {
    long calls = 0;
    long bytes = 0;
    bool operator==(const Sum&) const = default;
};
void PrintTo(const Sum& sum, std::ostream* out) { *out << sum.calls << " calls, " << sum.bytes << " bytes"; }

using Sums = std::map<std::pair<std::string, std::string>, Sum>;  // by what was done, and on what

// What has a number of its own in each run is called by its kind.
std::string kind_of(const std::string& path) {
    for (const char* kind : {"socket", "pipe", "anon_inode"})
        if (path.starts_with(std::string(kind) + ":")) return kind;
    if (path.starts_with("/proc/")) return std::regex_replace(path, std::regex("/proc/[0-9]+/"), "/proc/PID/");
    if (path.empty() || path.front() != '/') return path;
    std::error_code error;  // strace has the kernel's name, we the one that was asked for
    const auto real = std::filesystem::weakly_canonical(path, error).string();
    return error ? path : real.ends_with('/') && real.size() > 1 ? real.substr(0, real.size() - 1) : real;
}

const std::map<std::string, std::string>& operations() {
    static const std::map<std::string, std::string> all{
        {"read", "read"},        {"pread64", "read"},   {"readv", "read"},     {"preadv", "read"},
        {"write", "write"},      {"pwrite64", "write"}, {"writev", "write"},   {"recvfrom", "read"},
        {"recvmsg", "read"},     {"sendto", "write"},   {"sendmsg", "write"},  {"getdents64", "list"},
        {"fsync", "sync"},       {"fdatasync", "sync"}};
    return all;
}

// strace -f -y: "12 read(3</etc/x>, "..."..., 9) = 9", perhaps in two lines.
Sums sums_of_strace(const std::string& log) {
    static const std::regex begin(R"(^(\d+)\s+(\w+)\(\d+<([^>]*)>)");
    static const std::regex resumed(R"(^(\d+)\s+<\.\.\. (\w+) resumed>)");
    static const std::regex end(R"(\)\s+= (\d+)(<[^>]*>)?( \([A-Z]+.*\))?$)");
    std::map<std::string, std::string> open;  // by thread: the descriptor's path
    Sums sums;
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
        std::smatch found;
        std::string name, path;
        if (std::regex_search(line, found, begin)) {
            name = found[2], path = found[3];
            open[found[1]] = path;
        } else if (std::regex_search(line, found, resumed)) {
            name = found[2], path = open[found[1]];
        }
        const auto operation = operations().find(name);
        if (operation == operations().end() || !std::regex_search(line, found, end)) continue;
        if (kind_of(path) == "anon_inode") continue;  // event descriptors: no I/O
        Sum& sum = sums[{operation->second, kind_of(path)}];
        ++sum.calls;
        if (operation->second != "list") sum.bytes += std::stol(found[1]);
    }
    return sums;
}

Sums sums_of_told(const SharedFolder& folder) {
    static const std::map<std::string, std::string> same{{"read", "read"}, {"receive", "read"}, {"write", "write"},
                                                         {"send", "write"}, {"list", "list"},   {"sync", "sync"}};
    Sums sums;
    for (const Line& line : told_in(folder)) {
        EXPECT_NE(line.words[0], "lost");
        if (line.words[0] != "io") continue;
        const auto operation = same.find(line.words[1]);
        const long result = std::stol(line.words[3]);
        if (operation == same.end() || result < 0) continue;
        const bool is_socket = line.words[1] == "receive" || line.words[1] == "send";
        Sum& sum = sums[{operation->second, is_socket ? "socket" : kind_of(line.words[2])}];
        ++sum.calls;
        if (operation->second != "list") sum.bytes += result;
    }
    return sums;
}

const char* const kCalls = "read,pread64,readv,preadv,write,pwrite64,writev,recvfrom,recvmsg,sendto,sendmsg,getdents64,"
                           "fsync,fdatasync";

// In how many pieces bytes come through a pipe or socket is a matter of time, and so for a file that they are put in.
Sums without_pieces(Sums sums, const std::string& filled) {
    for (auto& [what, sum] : sums)
        if (what.second == "pipe" || what.second == "socket" || what.second == filled) sum.calls = 0;
    return sums;
}

class BesideStrace : public ::testing::Test {
protected:
    // `prepare` is run before each of both, untraced. `filled`: a file that is written as bytes come in.
    void compare(const std::string& prepare, const std::string& command, const std::string& filled = "") {
        const std::string as = as_nobody();
        ASSERT_EQ(run(folder_, as + "sh -c '" + prepare + "'"), 0) << text_of(folder_.path() + "/err");
        const int by_strace =
            run(folder_, as + "strace -f -y -s 0 -o " + folder_.path() + "/log -e trace=" + kCalls + " " + command);
        const Sums expected = without_pieces(sums_of_strace(text_of(folder_.path() + "/log")), filled);
        ASSERT_EQ(run(folder_, as + "sh -c '" + prepare + "'"), 0);
        const int by_us = run(folder_, tell(command));
        EXPECT_EQ(by_us, by_strace) << text_of(folder_.path() + "/err");
        const Sums told = without_pieces(sums_of_told(folder_), filled);
        EXPECT_FALSE(expected.empty());
        std::set<std::pair<std::string, std::string>> all;
        for (const auto& [what, sum] : expected) all.insert(what);
        for (const auto& [what, sum] : told) all.insert(what);
        for (const auto& what : all)
            EXPECT_EQ(told.contains(what) ? told.at(what) : Sum{},
                      expected.contains(what) ? expected.at(what) : Sum{})
                << what.first << " of " << what.second;
    }
    SharedFolder folder_;
};

TEST_F(BesideStrace, Git) {
    const std::string git =
        "git -c safe.directory=* -c user.name=a -c user.email=a@b -c gc.auto=0 -c init.defaultBranch=main ";
    compare("export HOME=" + folder_.path() + "; rm -rf r; mkdir r; cd r; seq 20000 >f; " + git + "init -q; " + git +
                "add f; GIT_COMMITTER_DATE=2020-01-01T00:00:00Z GIT_AUTHOR_DATE=2020-01-01T00:00:00Z " + git +
                "commit -qm x; touch -d 2020-01-01 f; " + git + "status",
            "env HOME=" + folder_.path() + " git -C r -c safe.directory=* --no-pager log -p");
}

TEST_F(BesideStrace, PythonAndItsStandardLibrary) {
    compare("rm -f *.db d.zip; seq 9999 >numbers",
            "env PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -c 'import json,zipfile,subprocess,"
            "threading,tempfile,csv,email,http.client,asyncio\n"
            "z=zipfile.ZipFile(\"d.zip\",\"w\")\n"
            "z.write(\"numbers\")\n"
            "z.close()\n"
            "t=[threading.Thread(target=lambda: open(\"numbers\").read()) for _ in range(8)]\n"
            "[x.start() for x in t]\n"
            "[x.join() for x in t]\n"
            "print(subprocess.run([\"wc\",\"-l\",\"numbers\"],capture_output=True).stdout)'");
}

TEST_F(BesideStrace, CurlOfAFile) {
    compare("seq 300000 >big", "curl -s -o copy file://" + folder_.path() + "/big");
}

TEST_F(BesideStrace, CurlOverHttp) {
    Fd listener = listening();
    std::thread server([&] {
        for (;;) {
            const Fd c(accept(listener.get(), nullptr, nullptr));
            if (!c) return;
            char request[4096];
            if (read(c.get(), request, sizeof request) <= 0) continue;
            send_all(c.get(), "HTTP/1.0 200 OK\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'));
        }
    });
    compare("true", "curl -s -o copy http://127.0.0.1:" + std::to_string(port_of(listener.get())) + "/",
            folder_.path() + "/copy");
    shutdown(listener.get(), SHUT_RDWR);
    server.join();
    const Sums told = sums_of_told(folder_);
    const auto got = told.find({"read", "socket"});
    ASSERT_NE(got, told.end());
    EXPECT_GE(got->second.bytes, 300'000);
    const auto put = told.find({"write", folder_.path() + "/copy"});
    ASSERT_NE(put, told.end());
    EXPECT_EQ(put->second.bytes, 300'000);
}

TEST_F(BesideStrace, RedisAtWork) {
    // The client is not traced. Its pings until the server is there are not the same in each run, nor is what the
    // server reads of itself in /proc; what it writes for good is.
    const std::string socket = folder_.path() + "/s";
    const std::string client = "until [ -S " + socket + " ]; do :; done; until redis-cli -s " + socket +
                               " ping >/dev/null 2>&1; do :; done; for i in 1 2 3 4 5; do redis-cli -s " + socket +
                               " set key$i value$i; redis-cli -s " + socket + " get key$i; done; redis-cli -s " +
                               socket +
                               " shutdown nosave";
    std::ofstream(folder_.path() + "/client") << client << "\n";
    std::ofstream(folder_.path() + "/server")
        << "exec redis-server --port 0 --unixsocket " << socket << " --dir " << folder_.path()
        << " --logfile /dev/null --save '' --appendonly yes --appendfsync always\n";
    const auto traced = [&](const std::string& with) {
        const std::string both = as_nobody() + "sh client >/dev/null & " + with + " sh server; wait";
        EXPECT_EQ(run(folder_, "rm -rf appendonlydir; " + both), 0) << text_of(folder_.path() + "/err");
    };
    traced(as_nobody() + "strace -f -y -s 0 -o " + folder_.path() + "/log -e trace=" + kCalls);
    const Sums expected = sums_of_strace(text_of(folder_.path() + "/log"));
    traced(tell(""));
    const Sums told = sums_of_told(folder_);
    int compared = 0;
    for (const auto& [what, sum] : expected) {
        if (what.second.find("appendonlydir/") == std::string::npos) continue;
        ++compared;
        ASSERT_TRUE(told.contains(what)) << what.first << " of " << what.second;
        EXPECT_EQ(told.at(what), sum) << what.first << " of " << what.second;
    }
    EXPECT_GE(compared, 2) << "its file is written and synchronised";
}

// A version that nobody hooks: as a process it is traced like any other.
TEST_F(BesideStrace, Python2) {
    const char* python = std::getenv("AUTOTUNE_PYTHON2");
    if (python == nullptr) GTEST_SKIP() << "optional: AUTOTUNE_PYTHON2 names no Python 2";
    if (run(folder_, as_nobody() + python + " -c 0") != 0)
        GTEST_SKIP() << "optional: an unprivileged user cannot run " << python;
    compare("seq 9999 >numbers", std::string(python) + " -B -c 'print(len(open(\"numbers\").read()))'");
}

TEST_F(BesideStrace, ShellPipelines) {
    compare("seq 50000 >big", "sh -c 'cat big | sort -n | uniq | tail -3; ls / | wc -l'");
}

}  // namespace
}  // namespace autotune::test
