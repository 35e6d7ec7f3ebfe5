// A program that is run with probes on it, from its first instruction to its end.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "agent/native/native_source.hpp"

namespace autotune::native {

struct Ran {
    std::string output;
    int status = -1;  // as wait() has it
    pid_t pid = -1;
    EventBatch batch;
    NativeHealth health;
    bool operator==(const Ran& other) const { return output == other.output && status == other.status; }

    // Single calls by how they ended, and sums, of functions by name.
    [[nodiscard]] std::size_t calls(const std::string& name, CallEnd how = CallEnd::returned) const {
        std::size_t n = 0;
        for (const Event& e : batch.events)
            if (const auto* c = std::get_if<CallDone>(&e.body))
                n += c->how == how && name_of(c->function) == name ? 1 : 0;
        return n;
    }
    [[nodiscard]] std::uint64_t total(const std::string& name) const {
        std::uint64_t n = 0;
        for (const Event& e : batch.events)
            if (const auto* c = std::get_if<CallTotals>(&e.body))
                n += name_of(c->function) == name ? c->calls : 0;
        return n;
    }
    [[nodiscard]] std::vector<CallDone> calls_of(const std::string& name) const {
        return of<CallDone>(name);
    }
    [[nodiscard]] std::vector<CallTotals> totals_of(const std::string& name) const {
        return of<CallTotals>(name);
    }
    [[nodiscard]] std::vector<std::string> values(const std::string& expression) const {
        std::vector<std::string> all;
        for (const Event& e : batch.events)
            if (const auto* v = std::get_if<VariableSeen>(&e.body))
                if (batch.tables.strings[v->expression] == expression)
                    all.emplace_back(batch.tables.strings[v->value]);
        return all;
    }
    [[nodiscard]] std::string name_of(FrameId id) const {
        const std::string name(batch.tables.strings[batch.tables.frames[id].name]);
        return name.substr(0, name.find('('));
    }

private:
    template <class Body>
    [[nodiscard]] std::vector<Body> of(const std::string& name) const {
        std::vector<Body> all;
        for (const Event& e : batch.events)
            if (const auto* body = std::get_if<Body>(&e.body))
                if (name_of(body->function) == name) all.push_back(*body);
        return all;
    }
};

// Starts it stopped before its exec, lets `source` watch it, and reads all it says. Null: without probes.
inline Ran run(const std::vector<std::string>& command, NativeSource* source) {
    Ran ran;
    int gate[2], out[2];
    EXPECT_EQ(pipe2(gate, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    ran.pid = fork();
    if (ran.pid == 0) {
        close(gate[1]);
        char byte = 0;
        while (read(gate[0], &byte, 1) > 0) {
        }
        dup2(out[1], STDOUT_FILENO);
        std::vector<char*> arguments;
        for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
        arguments.push_back(nullptr);
        execv(arguments[0], arguments.data());
        _exit(127);
    }
    close(gate[0]);
    close(out[1]);
    if (source != nullptr) {
        EXPECT_TRUE(source->focus({.processes = {ran.pid}}));
        const Status started = source->start();
        EXPECT_TRUE(started) << started.error().message;
    }
    close(gate[1]);
    char some[4096];
    for (ssize_t n = 0; (n = read(out[0], some, sizeof some)) > 0;)
        ran.output.append(some, static_cast<std::size_t>(n));
    close(out[0]);
    EXPECT_EQ(waitpid(ran.pid, &ran.status, 0), ran.pid);
    if (source == nullptr) return ran;
    for (;;) {
        const auto polled = source->poll(Nanos(10'000'000), ran.batch);
        if (!polled || polled->state == PollState::ended) break;
    }
    EXPECT_TRUE(source->finish(ran.batch));
    ran.health = source->health();
    return ran;
}

}  // namespace autotune::native
