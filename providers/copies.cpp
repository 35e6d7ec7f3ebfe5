#include "providers/copies.hpp"

#include <nlohmann/json.hpp>
#include <optional>

namespace autotune {

namespace {

bool alike(const FunctionConfig& a, const FunctionConfig& b) {
    return a.memory_mb == b.memory_mb && a.timeout == b.timeout && a.runtime == b.runtime && a.handler == b.handler &&
           a.environment == b.environment;
}

Status provide(Provider& there, const FunctionRef& function, const Package& package, const std::string& code_hash) {
    const auto state = there.get(function);
    if (!state && state.error().code != Errc::not_found) return state.forward();
    if (state && state->code_hash == code_hash && alike(state->config, package.config)) return ok();
    if (state && !is_copy(*state, function))
        return fail(Errc::unsupported, "there is another function of that name, which is no copy that autotune made");
    const auto made = there.deploy(function, package, state ? state->etag : Etag());
    // Somebody, or a call of ours that went unanswered, was quicker: what is there is looked at again.
    if (!made && made.error().code == Errc::already_exists) return fail(Errc::conflict, made.error().message);
    return made ? ok() : Status(made.forward());
}

}  // namespace

Status can_be_copied(const Package& package) {
    const FunctionConfig& c = package.config;
    if (!c.layers.empty()) return fail(Errc::unsupported, "it has layers, which a copy would lack");
    if (!c.network.empty()) return fail(Errc::unsupported, "it is in the network " + c.network + ", which a copy would not be");
    if (!c.environment_is_known)
        return fail(Errc::unsupported, "its variables cannot be read; may this role use the key that they are encrypted with?");
    return ok();
}

bool is_copy(const FunctionState& state, const FunctionRef& of) {
    const auto label = state.labels.find(kCopyLabel);
    return label != state.labels.end() && label->second == of.name;
}

Result<std::vector<Place>> places_of(const Wrap& wrap) try {
    std::vector<Place> places;
    if (wrap.remedy != "relocate" || wrap.settings.empty()) return places;
    const auto settings = nlohmann::json::parse(wrap.settings);
    for (const auto& place : settings.at("places"))
        places.push_back({place.at("name").get<std::string>(), place.at("region").get<std::string>(),
                          place.value("endpoint", "")});
    return places;
} catch (const nlohmann::json::exception& e) {
    return fail(Errc::invalid_argument, std::string("places of the relocation: ") + e.what());
}

Status provide_copies(const std::vector<Place>& places, const FunctionRef& function, const Version& version, Provider& home,
                      const Reach& reach) {
    std::optional<Package> package;
    for (const Place& place : places) {
        const std::string doing = "copying " + function.name + " to " + place.name;
        if (!reach) return fail(Errc::unsupported, doing + ": other places cannot be reached from here");
        const auto there = reach(place);
        if (!there) return there.forward(doing);
        if (!package) {
            auto fetched = home.package(function, version);
            if (!fetched) return fetched.forward(doing);
            if (const Status possible = can_be_copied(*fetched); !possible) return possible.forward(doing);
            package = *std::move(fetched);
            package->labels = {{kCopyLabel, function.name}};
        }
        if (const Status done = provide(**there, function, *package, package->code_hash); !done) return done.forward(doing);
    }
    return ok();
}

}  // namespace autotune
