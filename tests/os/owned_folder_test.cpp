// Folders of temporary files whose owners were killed are removed by the next, and nobody else's.
#include "os/owned_folder.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "os/file.hpp"

namespace autotune {
namespace {

namespace fs = std::filesystem;

class OwnedFolders : public ::testing::Test {
protected:
    void SetUp() override {
        place_ = ::testing::TempDir() + "owned-XXXXXX";
        ASSERT_NE(mkdtemp(place_.data()), nullptr);
    }
    void TearDown() override { fs::remove_all(place_); }

    // The path of a folder whose owner was killed; `more` is done to it before.
    std::string left_behind(const std::function<void(const std::string&)>& more = {}) const {
        auto told = make_pipe();
        const pid_t owner = fork();
        if (owner == 0) {
            const auto folder = OwnedFolder::make(place_);
            if (!folder) _exit(1);
            std::ofstream(folder->path() + "/file") << "text";
            if (write(told->write.get(), folder->path().data(), folder->path().size()) < 0) _exit(1);
            for (;;) pause();
        }
        std::string path(place_.size() + 1 + 15, '\0');
        EXPECT_EQ(read(told->read.get(), path.data(), path.size()), static_cast<ssize_t>(path.size()));
        kill(owner, SIGKILL);
        waitpid(owner, nullptr, 0);
        EXPECT_TRUE(fs::exists(path + "/file"));
        if (more) more(path);
        return path;
    }
    void make_the_next() const { ASSERT_TRUE(OwnedFolder::make(place_).has_value()); }

    std::string place_;
};

TEST_F(OwnedFolders, GoWithTheirOwner) {
    {
        const auto folder = OwnedFolder::make(place_);
        ASSERT_TRUE(folder.has_value());
        std::ofstream(folder->path() + "/file") << "text";
    }
    EXPECT_TRUE(fs::is_empty(place_));
}

TEST_F(OwnedFolders, OfAnOwnerThatWasKilledAreRemovedByTheNext) {
    const std::string path = left_behind();
    make_the_next();
    EXPECT_FALSE(fs::exists(path));
}

TEST_F(OwnedFolders, OfALivingOwnerStay) {
    const auto first = OwnedFolder::make(place_);
    const auto second = OwnedFolder::make(place_);
    ASSERT_TRUE(first && second);
    EXPECT_TRUE(fs::exists(first->path()));
}

TEST_F(OwnedFolders, ThatAreNotProvedToBeOursStay) {
    const std::string elsewhere = left_behind([](const std::string& path) { fs::rename(path + "/.owner", path + "/owner"); });
    const std::string foreign = left_behind([](const std::string& path) { std::ofstream(path + "/.owner") << "another program"; });
    const std::string linked = left_behind([](const std::string& path) {
        fs::rename(path + "/.owner", path + "/own");
        fs::create_symlink("own", path + "/.owner");
    });
    const std::string renamed = left_behind([](const std::string& path) { fs::rename(path, path + "-mine"); }) + "-mine";
    fs::create_directory(place_ + "/autotune-abc123");
    make_the_next();
    for (const std::string& path : {elsewhere, foreign, linked, renamed}) EXPECT_TRUE(fs::exists(path + "/file")) << path;
    EXPECT_TRUE(fs::exists(place_ + "/autotune-abc123"));
}

TEST_F(OwnedFolders, OfAnotherUserStay) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    const std::string path = left_behind([](const std::string& folder) {
        ASSERT_EQ(chown((folder + "/.owner").c_str(), 65534, 65534), 0);
    });
    make_the_next();
    EXPECT_TRUE(fs::exists(path));
}

TEST_F(OwnedFolders, StayAsLongAsAProgramHasThemInItsEnvironment) {
    const std::string path = left_behind();
    auto ready = make_pipe();
    const pid_t user = fork();
    if (user == 0) {
        const std::string variable = "LD_PRELOAD_LATER=" + path + "/file";
        char* const environment[] = {const_cast<char*>(variable.c_str()), nullptr};
        dup2(ready->write.get(), 1);
        execle("/bin/sh", "sh", "-c", "echo ready; kill -STOP $$", nullptr, environment);
        _exit(1);
    }
    char text[6];
    ASSERT_EQ(read(ready->read.get(), text, sizeof text), 6);
    make_the_next();
    EXPECT_TRUE(fs::exists(path));
    kill(user, SIGKILL);
    waitpid(user, nullptr, 0);
    make_the_next();
    EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace autotune
