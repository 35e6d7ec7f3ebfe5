// libdebuginfod against a server on loopback.
#include "agent/symbols/debuginfod.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/symbols/module_cache.hpp"

namespace autotune::symbols {
namespace {

namespace fs = std::filesystem;

// Serves a folder's files, in the shape of a debuginfod's addresses; what is named "slow" it never finishes.
constexpr const char* kServer = R"(
import http.server, sys, time
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if "/slow/" in self.path.replace("5" * 40, "slow"):
            self.send_response(200); self.send_header("Content-Length", "1000000"); self.end_headers()
            self.wfile.flush(); time.sleep(60); return
        super().do_GET()
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Handler(*a, directory=sys.argv[1]))
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
)";
constexpr const char* kBuildId = "0123456789abcdef0123456789abcdef01234567";

class DebuginfodOnLoopback : public ::testing::Test {
protected:
    void SetUp() override {
        fs::create_directories(folder_ + "/files/buildid/" + kBuildId);
        fs::copy_file(AUTOTUNE_NATIVE_PROGRAM ".debug", folder_ + "/files/buildid/" + kBuildId + "/debuginfo");
        std::ofstream(folder_ + "/server.py") << kServer;
        int ends[2];
        ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
        const std::string script = folder_ + "/server.py", files = folder_ + "/files";
        server_ = fork();
        if (server_ == 0) {
            dup2(ends[1], 1);
            execlp("python3", "python3", script.c_str(), files.c_str(), nullptr);
            _exit(127);
        }
        close(ends[1]);
        char port[16]{};
        said_ = Fd(ends[0]);
        const ssize_t got = read(ends[0], port, sizeof port - 1);
        ASSERT_GT(got, 0) << "no server";
        setenv("DEBUGINFOD_URLS", ("http://127.0.0.1:" + std::to_string(std::atoi(port))).c_str(), 1);
        setenv("DEBUGINFOD_CACHE_PATH", (folder_ + "/cache").c_str(), 1);
    }
    void TearDown() override {
        unsetenv("DEBUGINFOD_URLS");
        if (server_ > 0) {
            kill(server_, SIGKILL);
            waitpid(server_, nullptr, 0);
        }
        fs::remove_all(folder_);
    }
    // Waits for the answer as long as it takes; the client's own limits end it.
    static Debuginfod::Answer answer(Debuginfod& client, const std::string& id) {
        auto said = client.ask(id);
        while (said.state == Debuginfod::State::pending) {
            ::poll(nullptr, 0, 5);
            said = client.ask(id);
        }
        return said;
    }
    std::string folder_ = ::testing::TempDir() + "/debuginfod-" + std::to_string(getpid());
    pid_t server_ = -1;
    Fd said_;  // what the server says; open as long as it may say something
};

TEST_F(DebuginfodOnLoopback, FetchesInTheBackgroundAndSaysSo) {
    Debuginfod client(debuginfod_of_environment());
    EXPECT_EQ(client.ask(kBuildId).state, Debuginfod::State::pending) << "asking never waits";
    const auto said = answer(client, kBuildId);
    ASSERT_EQ(said.state, Debuginfod::State::here) << client.fetches().at(0).error;
    EXPECT_TRUE(fs::exists(said.path));
    ASSERT_EQ(client.fetches().size(), 1u);
    EXPECT_EQ(client.fetches()[0].build_id, kBuildId);
    EXPECT_EQ(client.fetches()[0].path, said.path);
    EXPECT_EQ(client.answered(), 1u);
}

TEST_F(DebuginfodOnLoopback, SaysThatNoServerHasIt) {
    Debuginfod client(debuginfod_of_environment());
    EXPECT_EQ(answer(client, std::string(40, '9')).state, Debuginfod::State::absent);
    EXPECT_EQ(client.fetches().at(0).error, "no server has it");
}

TEST_F(DebuginfodOnLoopback, GivesUpAServerThatNeverEnds) {
    auto options = debuginfod_of_environment();
    options.time_limit = std::chrono::milliseconds(100);
    Debuginfod client(options);
    EXPECT_EQ(answer(client, std::string(40, '5')).state, Debuginfod::State::absent);
    EXPECT_EQ(client.fetches().at(0).error, "it took too long");
}

TEST_F(DebuginfodOnLoopback, GivesUpAtTheEndOfTheProgram) {
    Debuginfod client(debuginfod_of_environment());
    EXPECT_EQ(client.ask(std::string(40, '5')).state, Debuginfod::State::pending);
}  // the test's own time limit is the check

TEST_F(DebuginfodOnLoopback, NamesAStrippedFileWhenItsAnswerComes) {
    ModuleCache cache(1 << 20, debuginfod_of_environment());
    fs::copy_file(AUTOTUNE_NATIVE_PROGRAM ".stripped", folder_ + "/program");
    Fd fd(open((folder_ + "/program").c_str(), O_RDONLY | O_CLOEXEC));
    const auto file = identity_of(fd.get());
    ASSERT_TRUE(file);
    cache.pin(*file, std::move(fd), {.root = folder_, .path = "/program"});
    EXPECT_FALSE(cache.image(*file)->range_of("large_share"));
    const std::uint64_t before = cache.generation();
    while (cache.fetches().empty()) ::poll(nullptr, 0, 5);
    EXPECT_GT(cache.generation(), before);
    EXPECT_TRUE(cache.image(*file)->range_of("large_share")) << cache.fetches()[0].error;
}

TEST(DebuginfodOff, AsksNobodyUnlessTheEnvironmentNamesServers) {
    unsetenv("DEBUGINFOD_URLS");
    EXPECT_FALSE(debuginfod_of_environment().enabled);
    setenv("DEBUGINFOD_URLS", "  ", 1);
    EXPECT_FALSE(debuginfod_of_environment().enabled);
    unsetenv("DEBUGINFOD_URLS");
    Debuginfod client(debuginfod_of_environment());
    EXPECT_EQ(client.ask(kBuildId).state, Debuginfod::State::absent);
    EXPECT_TRUE(client.fetches().empty());
}

}  // namespace
}  // namespace autotune::symbols
