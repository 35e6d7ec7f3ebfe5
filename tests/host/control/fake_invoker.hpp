// FakeInvoker: an Invoker that remembers what it was asked and answers as it was told.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "host/invoker.hpp"

namespace autotune::host {

class FakeInvoker final : public Invoker {
public:
    void invoke(InvokeRequest request, std::function<void(InvokeResult)> done) override {
        asked.push_back(std::move(request));
        if (when_asked) when_asked();
        if (answers.empty()) {
            waiting.push_back(std::move(done));
            return;
        }
        InvokeResult result = template_result;
        result.kind = answers.front();
        answers.pop_front();
        done(std::move(result));
    }

    void retire(const FunctionVersion& function) override {
        retired.push_back(function.name + ":" + function.version);
    }

    void keep_warm(WarmOrder order) override {
        orders.push_back(order.function->name + ":" + order.function->version + " for " + order.qualifier + " " + std::to_string(order.count));
    }
    [[nodiscard]] WarmState warm_state(const FunctionVersion&, const std::string&) const override { return warm; }

    // Answers those that wait.
    void answer_all(InvokeResult::Kind kind) {
        for (auto& done : std::exchange(waiting, {})) {
            InvokeResult result = template_result;
            result.kind = kind;
            done(std::move(result));
        }
    }

    std::vector<InvokeRequest> asked;
    std::vector<std::string> retired;
    std::vector<std::string> orders;  // "shop:1 for live 3"
    WarmState warm;
    std::vector<std::function<void(InvokeResult)>> waiting;
    std::deque<InvokeResult::Kind> answers;  // for the next ones; when it is empty they wait
    InvokeResult template_result;
    std::function<void()> when_asked;
};

}  // namespace autotune::host
