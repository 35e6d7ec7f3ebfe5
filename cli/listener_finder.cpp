#include "cli/listener_finder.hpp"

#include <string>

#include "os/listeners.hpp"

namespace autotune::cli {

void ListenerFinder::find(OwnerTopology& topology, const Endpoint& peer, std::int32_t caller) {
    if (asked_.contains(peer)) return;
    if (asked_.size() >= kMost) {
        gave_up_ = true;
        return;
    }
    asked_.insert(peer);
    const auto pid = who_listens(peer, caller);
    if (!pid) return;
    const auto command = proc_.command(*pid);
    topology.listening(peer, *pid, command ? *command : "process " + std::to_string(*pid));
}

void ListenerFinder::find_strangers(OwnerTopology& topology, std::size_t most) {
    for (const OwnerTopology::Stranger& stranger : topology.take_strangers(most)) find(topology, stranger.peer, stranger.caller);
}

}  // namespace autotune::cli
