// Runs ptrace_tell, as an unprivileged user where we are root, and gives what it told.
#pragma once

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::test {

// A folder that everybody may write to; removed at the end.
class SharedFolder {
public:
    SharedFolder() {
        std::string pattern = "/tmp/autotune-ptrace-XXXXXX";
        path_ = mkdtemp(pattern.data());
        chmod(path_.c_str(), 0777);
    }
    ~SharedFolder() { std::filesystem::remove_all(path_); }
    SharedFolder(const SharedFolder&) = delete;
    SharedFolder& operator=(const SharedFolder&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

inline std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

inline std::string as_nobody() {
    return geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : "";
}

inline int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// `command` by the shell. Its exit code; what it wrote is in FOLDER/out and FOLDER/err.
inline int run(const SharedFolder& folder, const std::string& command) {
    const std::string whole =
        "cd " + folder.path() + " && { " + command + "; } >out 2>err 3>told </dev/null";
    return exit_code(std::system(whole.c_str()));
}

struct Line {
    std::vector<std::string> words;
};

inline std::vector<Line> told_in(const SharedFolder& folder) {
    std::vector<Line> lines;
    std::istringstream text(text_of(folder.path() + "/told"));
    for (std::string line; std::getline(text, line);) {
        Line one;
        std::istringstream words(line);
        for (std::string word; std::getline(words, word, '\t');) one.words.push_back(word);
        lines.push_back(std::move(one));
    }
    return lines;
}

inline std::string tell(const std::string& arguments) { return as_nobody() + PTRACE_TELL " " + arguments; }

}  // namespace autotune::test
