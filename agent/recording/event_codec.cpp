#include "agent/recording/event_codec.hpp"

#include <array>
#include <type_traits>
#include <utility>
#include <variant>

#include "agent/recording/format.hpp"

namespace autotune::recording {
namespace {

constexpr std::size_t kBodies = std::variant_size_v<EventBody>;
static_assert(kBodies < kSameOwner);

bool same_owner(const Event& a, const Event& b) {
    return a.process == b.process && a.thread == b.thread && a.cgroup == b.cgroup && a.by == b.by;
}

template <std::size_t I>
void take_body(Decoder& in, EventBody& body) {
    fields(in, body.emplace<I>());
}

template <std::size_t... I>
constexpr auto body_takers(std::index_sequence<I...>) {
    return std::array<void (*)(Decoder&, EventBody&), kBodies>{take_body<I>...};
}
constexpr auto kTakeBody = body_takers(std::make_index_sequence<kBodies>{});

// The recording's ids in an event become those of the tables it is read into.
class Translate {
public:
    explicit Translate(const IdMap& ids) : ids_(ids) {}
    template <class Whole, class... Member>
    void operator()(const Whole&, Member&... member) { (one(member), ...); }

private:
    void one(StringId& id) { id = ids_.strings[static_cast<std::size_t>(id)]; }
    void one(FrameId& id) { id = ids_.frames[static_cast<std::size_t>(id)]; }
    void one(StackId& id) { id = ids_.stacks[static_cast<std::size_t>(id)]; }
    template <class T>
    void one(T&) {}
    const IdMap& ids_;
};

Event take_event(Decoder& in, const Event& before) {
    Event event = before;
    const unsigned char head = in.byte();
    const unsigned kind = head & ~unsigned{kSameOwner};
    // Unsigned, so that a lie about the difference wraps instead of overflowing.
    event.at = from_ns(static_cast<std::int64_t>(static_cast<std::uint64_t>(to_ns(before.at)) +
                                                 static_cast<std::uint64_t>(in.signed_number())));
    if ((head & kSameOwner) == 0) {
        std::int32_t thread = 0;
        std::uint64_t cgroup = 0;
        in.one(event.process.pid);
        in.one(event.process.start_ns);
        in.one(thread);
        in.one(cgroup);
        in.one(event.by);
        event.thread = ThreadId(thread);
        event.cgroup = CgroupId(cgroup);
    }
    if (kind < kBodies)
        kTakeBody[kind](in, event.body);
    else
        in.refuse();
    return event;
}

}  // namespace

void put_frame(Encoder& out, const Frame& frame) {
    for (const StringId id : {frame.name, frame.module, frame.build_id, frame.file})
        out.number(static_cast<std::uint64_t>(id));
    out.number(frame.line);
    out.number(static_cast<std::uint64_t>(frame.kind));
}

void put_events(Encoder& out, const std::vector<Event>& events) {
    out.number(events.size());
    Event before{};
    bool first = true;
    for (Event event : events) {
        const bool same = !first && same_owner(event, before);
        out.byte(static_cast<unsigned char>(event.body.index() | (same ? kSameOwner : 0)));
        out.signed_number(static_cast<std::int64_t>(static_cast<std::uint64_t>(to_ns(event.at)) -
                                                    static_cast<std::uint64_t>(to_ns(before.at))));
        if (!same) {
            out.signed_number(event.process.pid);
            out.number(event.process.start_ns);
            out.signed_number(static_cast<std::int32_t>(event.thread));
            out.number(static_cast<std::uint64_t>(event.cgroup));
            out.number(static_cast<std::uint64_t>(event.by));
        }
        std::visit([&](auto& body) { fields(out, body); }, event.body);
        before = event;
        first = false;
    }
}

bool take_strings(std::string_view payload, IdMap& ids, Tables& tables) {
    Decoder in(payload, ids.known());
    for (std::size_t n = in.count(); n > 0 && in.good(); --n)
        if (const std::string_view text = in.text(); in.good())
            ids.strings.push_back(tables.strings.intern(text));
    return in.good() && in.done();
}

bool take_frames(std::string_view payload, IdMap& ids, Tables& tables) {
    Decoder in(payload, ids.known());
    for (std::size_t n = in.count(); n > 0 && in.good(); --n) {
        Frame frame;
        for (StringId* text : {&frame.name, &frame.module, &frame.build_id, &frame.file}) in.one(*text);
        in.one(frame.line);
        in.one(frame.kind);
        if (!in.good()) break;
        for (StringId* text : {&frame.name, &frame.module, &frame.build_id, &frame.file})
            *text = ids.strings[static_cast<std::size_t>(*text)];
        ids.frames.push_back(tables.frames.intern(frame));
    }
    return in.good() && in.done();
}

bool take_stacks(std::string_view payload, IdMap& ids, Tables& tables) {
    Decoder in(payload, ids.known());
    std::vector<FrameId> stack;
    for (std::size_t n = in.count(); n > 0 && in.good(); --n) {
        stack.assign(in.count(), FrameId(0));
        for (FrameId& frame : stack) {
            in.one(frame);
            if (in.good()) frame = ids.frames[static_cast<std::size_t>(frame)];
        }
        if (in.good()) ids.stacks.push_back(tables.stacks.intern(stack));
    }
    return in.good() && in.done();
}

bool take_events(std::string_view payload, const IdMap& ids, std::vector<Event>& events) {
    Decoder in(payload, ids.known());
    const std::size_t before = events.size();
    Event last{};
    Translate translate(ids);
    for (std::size_t n = in.count(); n > 0 && in.good(); --n) {
        last = take_event(in, last);
        if (!in.good()) break;
        events.push_back(last);
        std::visit([&](auto& body) { fields(translate, body); }, events.back().body);
    }
    if (in.good() && in.done()) return true;
    events.resize(before);
    return false;
}

}  // namespace autotune::recording
