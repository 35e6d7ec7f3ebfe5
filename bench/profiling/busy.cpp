// Burns argv[1] seconds of CPU as programs do: an expression is parsed and evaluated by recursion, 5 to 40 calls deep, keys
// are sorted through a callback of libc's qsort, strings are hashed and copied. To be built with -O2 and without frame pointers.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#define KEPT __attribute__((noinline))

static double cpu_seconds() {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

struct Node {
    virtual ~Node() = default;
    virtual double value(std::unordered_map<std::string, double>& variables) const = 0;
};
struct Leaf final : Node {
    std::string name;
    KEPT double value(std::unordered_map<std::string, double>& variables) const override { return ++variables[name]; }
};
struct Sum final : Node {
    std::unique_ptr<Node> left, right;
    KEPT double value(std::unordered_map<std::string, double>& variables) const override {
        return left->value(variables) + 0.5 * right->value(variables);
    }
};

KEPT static std::unique_ptr<Node> parse(std::mt19937& random, int depth) {
    if (depth == 0 || random() % 16 == 0) {
        auto leaf = std::make_unique<Leaf>();
        leaf->name = "variable-with-a-long-name-" + std::to_string(random() % 500);
        return leaf;
    }
    auto sum = std::make_unique<Sum>();
    const bool deep_left = random() % 2 == 0;
    sum->left = parse(random, deep_left ? depth - 1 : 0);
    sum->right = parse(random, deep_left ? 0 : depth - 1);
    return sum;
}

extern "C" KEPT int by_text(const void* a, const void* b) {
    return std::strcmp(*static_cast<const char* const*>(a), *static_cast<const char* const*>(b));
}
KEPT static void sort_keys(const std::unordered_map<std::string, double>& variables) {
    std::vector<const char*> keys;
    for (const auto& [name, value] : variables) keys.push_back(name.c_str());
    qsort(keys.data(), keys.size(), sizeof keys[0], by_text);
}

int main(int argc, char** argv) {
    const double end = argc > 1 ? std::atof(argv[1]) : 1;
    std::mt19937 random(1);
    std::unordered_map<std::string, double> variables;
    double sum = 0;
    while (cpu_seconds() < end) {
        for (int i = 0; i < 50; ++i) sum += parse(random, 5 + static_cast<int>(random() % 36))->value(variables);
        sort_keys(variables);
    }
    std::printf("%g\n", sum);
}
