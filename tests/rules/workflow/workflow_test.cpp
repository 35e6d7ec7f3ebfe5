#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "analyzer/topology/workflow_visits.hpp"
#include "rules/workflow/load.hpp"
#include "rules/workflow/resource.hpp"

namespace autotune::rules {
namespace {

using ::testing::ElementsAre;

std::string example(const std::string& name) {
    std::ifstream in(AUTOTUNE_SOURCE_DIR "/examples/workflows/" + name);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<std::string> told(const std::string& text, Syntax syntax = Syntax::json) {
    const LoadedWorkflows loaded = load_workflows(text, syntax, "w");
    std::vector<std::string> out;
    for (const Diagnostic& d : loaded.diagnostics) out.push_back(format(d, "w"));
    return out;
}

Workflow read(const std::string& text, Syntax syntax = Syntax::json) {
    const LoadedWorkflows loaded = load_workflows(text, syntax, "w");
    for (const Diagnostic& d : loaded.diagnostics) ADD_FAILURE() << format(d, "w");
    return loaded.workflows.empty() ? Workflow{} : loaded.workflows[0];
}

const WorkflowStep& step(const Workflow& workflow, std::string_view name) {
    static const WorkflowStep kNone;
    for (const WorkflowStep& each : workflow.steps)
        if (each.name == name) return each;
    ADD_FAILURE() << "no step " << name;
    return kNone;
}

std::vector<std::string> links(const Workflow& workflow) {
    constexpr const char* kKinds[] = {" → ", " ?→ ", " else→ ", " ⇉ ", " !→ "};
    std::vector<std::string> out;
    for (const WorkflowLink& l : workflow.links)
        out.push_back(workflow.steps[l.from].name + kKinds[static_cast<int>(l.kind)] + workflow.steps[l.to].name +
                      (l.when.empty() ? "" : ": " + l.when));
    return out;
}

// "Check 1, Paid? 1, …": ? for what is open.
std::string visits(Workflow workflow, const std::vector<std::string>& given = {}) {
    for (const std::string& each : given)
        if (Status s = analysis::give(workflow, each); !s) return s.error().message;
    analysis::count_visits(workflow);
    std::ostringstream out;
    for (const WorkflowStep& each : workflow.steps) {
        out << (out.tellp() > 0 ? ", " : "") << each.name << " ";
        if (each.visits) out << *each.visits;
        else out << "?";
    }
    return out.str();
}

TEST(Workflow, AStateMachineIsReadAsAGraph) {
    const Workflow w = read(example("orders.asl.json"));
    EXPECT_EQ(w.steps[w.start].name, "Check");
    EXPECT_THAT(links(w),
                ElementsAre("Check → Paid?", "Check !→ Refuse: States.TaskFailed",
                            "Paid? ?→ Pack: ($.paid BooleanEquals true and $.total NumericGreaterThan 0)",
                            "Paid? ?→ Wait for payment: $.credit IsPresent true", "Paid? else→ Refuse",
                            "Wait for payment → Pack", "Pack ⇉ Fetch", "Pack → Tell", "Tell ⇉ Mail", "Tell ⇉ Log",
                            "Tell → Done"));
    EXPECT_EQ(step(w, "Check").calls, "check");
    EXPECT_EQ(step(w, "Check").attempts, 3u);
    EXPECT_EQ(step(w, "Fetch").calls, "fetch");
    EXPECT_TRUE(step(w, "Fetch").is_function && step(w, "Fetch").waits);
    EXPECT_TRUE(step(w, "Mail").is_function && !step(w, "Mail").waits);
    EXPECT_EQ(step(w, "Log").calls, "sqs:sendMessage");
    EXPECT_FALSE(step(w, "Log").is_function || step(w, "Log").waits);
    EXPECT_EQ(w.steps[step(w, "Fetch").within].name, "Pack");
    EXPECT_EQ(step(w, "Log").branch, 1u);
    EXPECT_EQ(step(w, "Pack").line, 21);
}

TEST(Workflow, YamlSaysTheSameAsJson) {
    const Workflow w = read("StartAt: A\nStates:\n  A: {Type: Task, Resource: f, Next: B}\n  B: {Type: Succeed}\n", Syntax::yaml);
    EXPECT_THAT(links(w), ElementsAre("A → B"));
    EXPECT_EQ(step(w, "A").calls, "f");
}

TEST(Workflow, WhatNoDefinitionSaysIsOpen) {
    const Workflow w = read(example("orders.asl.json"));
    EXPECT_EQ(visits(w), "Check 1, Paid? 1, Wait for payment ?, Pack ?, Tell ?, Done ?, Refuse ?, Fetch ?, Mail ?, Log ?");
    // The third way of the choice is the rest. An error that is caught is no part of it.
    EXPECT_EQ(visits(w, {"Paid?>Pack=0.75", "Paid?>Refuse=0.125", "Pack=12"}),
              "Check 1, Paid? 1, Wait for payment 0.125, Pack 0.875, Tell 0.875, Done 0.875, Refuse 0.125, Fetch 10.5, Mail "
              "0.875, Log 0.875");
    EXPECT_EQ(visits(w, {"Paid?>Pack=1", "Paid?>Refuse=0"}),
              "Check 1, Paid? 1, Wait for payment 0, Pack 1, Tell 1, Done 1, Refuse 0, Fetch ?, Mail 1, Log 1");
    EXPECT_EQ(visits(w, {"Paid?>Pack=0.75", "Paid?>Refuse=0.5"}), "the ways of \"Paid?\" are more than 1 together");
    EXPECT_EQ(visits(w, {"Paid?>Tell=0.75"}), "there is no map and no way of a choice \"Paid?>Tell\"");
    EXPECT_EQ(visits(w, {"Pack=-1"}), "\"Pack=-1\" should be CHOICE>NEXT=PROBABILITY or MAP=ITEMS");
}

TEST(Workflow, ALoopLeavesItsStepsOpenAndWhatFollows) {
    const Workflow w = read(R"({"StartAt": "Begin", "States": {"Begin": {"Type": "Pass", "Next": "Ask"},
      "Ask": {"Type": "Task", "Resource": "ask", "Next": "Ready?"},
      "Ready?": {"Type": "Choice", "Choices": [{"Variable": "$.s", "StringEquals": "ready", "Next": "End"}], "Default": "Pause"},
      "Pause": {"Type": "Wait", "SecondsPath": "$.s", "Next": "Ask"}, "End": {"Type": "Succeed"}}})");
    EXPECT_EQ(visits(w, {"Ready?>End=0.5"}), "Begin 1, Ask ?, Ready? ?, Pause ?, End ?");
}

TEST(Workflow, EveryMistakeIsToldWithItsPlace) {
    EXPECT_THAT(told(R"({"StartAt": "A", "States": {
"A": {"Type": "Task", "Next": "Bee"},
"B": {"Type": "Choise"},
"C": {"Type": "Choice", "Choices": [], "Next": "B"},
"D": {"Type": "Pass", "End": true, "Next": "A"},
"E": {"Type": "Wait", "End": true},
"F": {"Type": "Succeed", "Retry": []},
"G": {"Type": "Parallel", "Branches": [{"StartAt": "H", "States": {"H": {"Type": "Pass", "Next": "A"}}}], "End": true},
"I": {"Resource": "x", "End": true}
}})"),
                ElementsAre("w:3:15: 'Type' must be one of Task, Choice, Parallel, Map, Wait, Pass, Succeed, Fail; this is 'Choise'; did you mean 'Choice'?",
                            "w:9:1: state 'I' has no Type",
                            "w:2:1: task 'A' needs a Resource",
                            "w:2:31: in 'Next': there is no state 'Bee'",
                            "w:3:1: task 'B' needs a Resource",
                            "w:3:1: state 'B' needs one of Next and \"End\": true",
                            "w:4:36: 'Choices' must be a list of at least one rule",
                            "w:4:48: a Choice state has no Next and no End",
                            "w:5:44: state 'D' needs one of Next and \"End\": true",
                            "w:6:6: a Wait needs one of Seconds, Timestamp, SecondsPath and TimestampPath",
                            "w:7:35: 'Retry' is for Task, Parallel and Map",
                            "w:8:98: in 'Next': there is no state 'A' on this level: branches cannot leave each other"));
    EXPECT_THAT(told("{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\"},\n\"B\": {\"Type\": \"Succeed\"}}}"),
                ElementsAre("w:2:1: warning: nothing leads to state 'B'"));
}

TEST(Workflow, ASequenceIsASeries) {
    const Workflow w = read(example("thumbnails.json"));
    EXPECT_EQ(w.name, "thumbnails");
    EXPECT_THAT(links(w), ElementsAre("1. load → 2. guest/images/resize", "2. guest/images/resize → 3. store"));
    EXPECT_EQ(step(w, "3. store").calls, "store");
    EXPECT_EQ(visits(w), "1. load 1, 2. guest/images/resize 1, 3. store 1");
    // As the command line prints it, and one of several.
    EXPECT_EQ(read("ok: got action thumbnails\n" + example("thumbnails.json")).steps[0].line, 7);
    EXPECT_EQ(read("[{\"name\": \"load\", \"exec\": {\"kind\": \"nodejs:20\"}}, " + example("thumbnails.json") + "]").name, "thumbnails");
}

TEST(Workflow, WhatIsNoWorkflowIsRefused) {
    EXPECT_THAT(told("{\"name\": \"load\", \"exec\": {\"kind\": \"python:3\"}}"), ElementsAre("w:1:1: none of the actions is a sequence"));
    EXPECT_THAT(told("{\"a\": 1}"), ElementsAre("w:1:1: neither a state machine (StartAt, States) nor an OpenWhisk action (exec: kind)"));
    EXPECT_THAT(told("{\"name\": \"s\",\n \"exec\": {\"kind\": \"sequence\", \"components\": [\"/_/a\",\n 7, {}]}}"),
                ElementsAre("w:3:5: a component must be an action's name, this is a map"));
    EXPECT_THAT(told("{\"StartAt\": \"A\"\n \"States\": {}}"), ElementsAre("w:2:2: ',' or '}' is expected; this is '\"'"));
    EXPECT_THAT(told(""), ElementsAre("w:1:1: a value is missing; the file ends here"));
    EXPECT_THAT(told("null"), ElementsAre("w: the file is empty"));
}

TEST(Workflow, ResourcesAreNamedByWhatTheyCall) {
    const auto name = [](std::string_view resource) { return called_resource(resource).name; };
    EXPECT_EQ(name("arn:aws:lambda:us-east-1:123456789012:function:orders:live"), "orders");
    EXPECT_EQ(name("arn:aws-cn:lambda:cn-north-1:123456789012:function:orders"), "orders");
    EXPECT_EQ(name("arn:aws:states:us-east-1:123456789012:activity:stamp"), "activity:stamp");
    EXPECT_EQ(name("arn:aws:states:::dynamodb:putItem"), "dynamodb:putItem");
    EXPECT_EQ(name("arn:aws:states:::aws-sdk:s3:getObject"), "s3:getObject");
    EXPECT_EQ(name("orders"), "orders");
    EXPECT_EQ(name_in_arn("123456789012:function:orders:3"), "orders");
    EXPECT_FALSE(called_resource("arn:aws:states:::ecs:runTask").waits);
    EXPECT_TRUE(called_resource("arn:aws:states:::ecs:runTask.sync").waits);
    EXPECT_TRUE(called_resource("arn:aws:states:::sqs:sendMessage.waitForTaskToken").waits);
    EXPECT_TRUE(called_resource("arn:aws:states:::states:startExecution.sync:2").is_start_execution);
    EXPECT_TRUE(called_resource("arn:aws:states:::lambda:invoke.waitForTaskToken").is_lambda_invoke);
}

TEST(Workflow, DamagedDefinitionsHaveAnAnswer) {
    const std::string whole = example("orders.asl.json");
    constexpr std::string_view kBytes = "{}[]:,\"\\ABx0 \n";
    std::mt19937 random(3);
    for (int round = 0; round < 1500; ++round) {
        std::string text = whole;
        // Whole values change places too, which single bytes rarely do.
        if (round % 3 == 0) text.erase(random() % text.size(), random() % 60);
        for (int i = 0; i < 2; ++i) text[random() % text.size()] = kBytes[random() % kBytes.size()];
        LoadedWorkflows loaded = load_workflows(text, Syntax::json, "w");
        EXPECT_EQ(loaded.workflows.empty(), has_errors(loaded.diagnostics));
        for (Workflow& w : loaded.workflows) analysis::count_visits(w);
    }
}

}  // namespace
}  // namespace autotune::rules
