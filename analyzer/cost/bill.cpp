#include "analyzer/cost/bill.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "analyzer/cost/meters.hpp"
#include "analyzer/cost/usage.hpp"

namespace autotune::analysis {

namespace {

// A use of a meter, and where its price goes.
struct Use {
    std::uint32_t endpoint, meter;
    Decimal amount;
    Decimal Charges::*to;
};

class Biller {
public:
    Biller(const CostModel& model, const std::vector<Tariff>& tariffs)
        : model_(model), meters_(model.free_tier) {
        for (const Tariff& tariff : tariffs) tariffs_.try_emplace(tariff.name, &tariff);
    }

    Result<Bill> run() {
        auto calls = calls_of(model_);
        if (!calls) return calls.forward();
        bill_.endpoints.resize(model_.endpoints.size());
        bill_.services.resize(model_.services.size());
        uses_.reserve(model_.endpoints.size() * 3);
        for (std::uint32_t i = 0; i < model_.endpoints.size(); ++i) {
            bill_.endpoints[i].calls = (*calls)[i];
            if (Status s = endpoint(i); !s) return s.forward();
        }
        settle();
        instances();
        for (std::size_t i = 0; i < model_.endpoints.size(); ++i)
            bill_.services[model_.endpoints[i].service].charges += bill_.endpoints[i].charges;
        for (const ServiceBill& service : bill_.services) bill_.charges += service.charges;
        if (bill_.charges.total().too_large())
            return fail(Errc::resource_exhausted, "the costs are more than can be counted");
        bill_.meters = meters_.bills();
        return std::move(bill_);
    }

private:
    // What is known of a tariff that a service names, looked up once.
    struct Opened {
        const Tariff* tariff = nullptr;
        std::uint32_t requests = 0, memory = 0, cpu = 0, out = 0;
    };

    Result<const Opened*> opened(const CostService& service) {
        const auto [found, is_new] = opened_.try_emplace(service.tariff);
        Opened& o = found->second;
        if (is_new) {
            const auto tariff = tariffs_.find(service.tariff);
            if (tariff == tariffs_.end())
                return fail(Errc::not_found, "there is no tariff \"" + service.tariff + "\", which " +
                                                 service.name + " names");
            o.tariff = tariff->second;
            const auto open = [&](const std::optional<Meter>& meter) {
                return meter ? meters_.open(*meter) : 0;
            };
            o.requests = open(o.tariff->requests), o.memory = open(o.tariff->memory);
            o.cpu = open(o.tariff->cpu), o.out = open(o.tariff->out);
        }
        return &o;
    }

    void use(std::uint32_t endpoint, std::uint32_t meter, Decimal amount, Decimal Charges::*to) {
        if (amount.is_zero()) return;
        meters_.add(meter, amount);
        uses_.push_back({endpoint, meter, amount, to});
    }

    // What is used of tariffs is noted, what has its price is added.
    Status endpoint(std::uint32_t i) {
        const CostEndpoint& e = model_.endpoints[i];
        const CostService& service = model_.services[e.service];
        const Decimal n = bill_.endpoints[i].calls;
        if (n.is_zero()) return ok();
        Charges& charges = bill_.endpoints[i].charges;
        charges.other = e.other;
        const GivenCost& given = e.given;
        if (given.api) charges.api = n * *given.api;
        if (given.io) charges.io = n * *given.io;
        if (given.compute && !service.instances) charges.compute = n * *given.compute;
        const bool computes = !service.instances && !given.compute;
        const bool requests = !given.api && (!service.instances || !e.api.empty());
        if (!computes && !requests && (given.io || e.out_gb.is_zero())) return ok();
        const auto o = opened(service);
        if (!o) return o.forward();
        const Tariff& tariff = *(*o)->tariff;
        if (computes) {
            const auto usage = usage_of(service, e, tariff);
            if (!usage) return usage.forward();
            if (tariff.memory) use(i, (*o)->memory, n * usage->gb_s, &Charges::compute);
            if (tariff.cpu) use(i, (*o)->cpu, n * usage->cpu_s, &Charges::compute);
        }
        if (requests) {
            if (tariff.requests && !service.instances) use(i, (*o)->requests, n, &Charges::api);
            if (!e.api.empty()) {
                const auto gateway = tariff.apis.find(e.api);
                if (gateway == tariff.apis.end())
                    return fail(Errc::not_found, "there is no api \"" + e.api + "\" in tariff " +
                                                     tariff.name + ", which " + e.name + " names");
                use(i, meters_.open(gateway->second), n, &Charges::api);
            }
        }
        if (!given.io && !e.out_gb.is_zero()) {
            if (!tariff.out)
                return fail(Errc::invalid_argument, e.name + " sends data out, for which tariff " +
                                                        tariff.name + " has no price; give usd: {io: …}");
            use(i, (*o)->out, n * e.out_gb, &Charges::io);
        }
        return ok();
    }

    void settle() {
        meters_.settle();
        std::vector<Decimal> given(meters_.size());
        std::vector<const Use*> most(meters_.size());
        for (const Use& u : uses_) {
            const Decimal part = meters_.part(u.meter, u.amount);
            bill_.endpoints[u.endpoint].charges.*u.to += part;
            given[u.meter] += part;
            if (!most[u.meter] || u.amount > most[u.meter]->amount) most[u.meter] = &u;
        }
        // The parts make up the whole: whoever uses most bears what rounding left.
        for (std::uint32_t id = 0; id < given.size(); ++id)
            if (most[id])
                bill_.endpoints[most[id]->endpoint].charges.*most[id]->to += meters_.rest(id, given[id]);
    }

    void instances() {
        // Calls that have one capacity are added up before they are divided, so that three thirds are one
        // instance.
        std::map<std::pair<std::uint32_t, Decimal>, Decimal> by_capacity;
        std::vector<Decimal> load(model_.services.size());
        for (std::size_t i = 0; i < model_.endpoints.size(); ++i) {
            const CostEndpoint& e = model_.endpoints[i];
            if (!model_.services[e.service].instances) continue;
            const Decimal n = bill_.endpoints[i].calls;
            if (e.capacity)
                by_capacity[{e.service, *e.capacity}] += n;
            else
                load[e.service] += n * e.share;
        }
        for (const auto& [key, n] : by_capacity) load[key.first] += n / key.second;
        for (std::size_t i = 0; i < model_.services.size(); ++i) {
            ServiceBill& service = bill_.services[i];
            service.charges.other += model_.services[i].other;
            service.instances = load[i].ceiling();
            service.charges.instances = service.instances * model_.services[i].instance_usd;
        }
    }

    const CostModel& model_;
    std::map<std::string_view, const Tariff*> tariffs_;
    std::map<std::string_view, Opened> opened_;
    Meters meters_;
    std::vector<Use> uses_;
    Bill bill_;
};

}  // namespace

Result<Bill> bill_of(const CostModel& model, const std::vector<Tariff>& tariffs) {
    return Biller(model, tariffs).run();
}

}  // namespace autotune::analysis
