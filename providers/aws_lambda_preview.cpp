// AwsLambda, the part that asks nobody: what would be sent, and what an archive's hash will be.
#include <openssl/evp.h>

#include "providers/aws_lambda.hpp"
#include "providers/aws_lambda_api.hpp"
#include "providers/base64.hpp"
#include "providers/tuning.hpp"

namespace autotune {

namespace api = aws_lambda;

std::string AwsLambda::hash_of(std::string_view zip) const {
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    if (EVP_Digest(zip.data(), zip.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(), nullptr) != 1) return {};
    return to_base64(std::string_view(digest).substr(0, size));
}

std::vector<std::string> AwsLambda::preview(const Change& change, const FunctionState& state,
                                            const CanaryPolicy* canary) const {
    if (!changes_function(change)) return {};
    const std::string& name = state.function.name;
    if (const auto* reserve = std::get_if<Reserve>(&change)) return {api::one_line(api::set_concurrency(name, reserve->to))};
    if (const auto* keep = std::get_if<KeepWarm>(&change)) return {api::one_line(api::set_provisioned(name, keep->alias, keep->to))};
    // What is known only once the step before it is done.
    const Etag next = "<RevisionId of the answer before>";
    const auto* deploy = std::get_if<Deploy>(&change);
    const auto* wrap = std::get_if<Wrap>(&change);
    const std::string layer = wrap != nullptr ? "<LayerVersionArn of " + wrap->layer + ">" : "";
    const auto to = tuned(change, state.head.tuned, layer);
    if (!to) return {};
    std::vector<std::string> lines;
    if (wrap != nullptr)
        lines.push_back(api::one_line(api::publish_layer({.name = wrap->layer, .description = {}, .zip = {}, .runtimes = {}})) +
                        " where it is not there yet");
    lines.push_back(api::one_line(
        deploy != nullptr
            ? api::update_code(name, {}, state.etag)
            : api::update_configuration(name, difference(state.head.tuned, *to, state.config.environment), state.etag)));
    lines.push_back(api::one_line(api::publish_version(name, next)));
    if (canary != nullptr && state.aliases.size() == 1) {
        Routing split = state.aliases.front();
        split.candidate = "<new version>";
        split.weight = canary->weight;
        lines.push_back(api::one_line(api::update_alias(name, split)));
    }
    return lines;
}

}  // namespace autotune
