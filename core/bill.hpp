// Bill: what an application costs, by endpoint, by service and by what is counted. Passive result of the
// analyzer.
#pragma once

#include <string>
#include <vector>

#include "core/decimal.hpp"

namespace autotune {

// USD a period.
struct Charges {
    Decimal api;      // requests, and gateways before them
    Decimal compute;  // memory, CPU
    Decimal io;       // what is sent to the internet
    Decimal other;
    Decimal instances;
    [[nodiscard]] Decimal total() const { return api + compute + io + other + instances; }
    Charges& operator+=(const Charges& c) {
        api += c.api, compute += c.compute, io += c.io, other += c.other, instances += c.instances;
        return *this;
    }
};

struct ServiceBill {
    Decimal instances;  // how many
    Charges charges;    // those of its endpoints too
};

struct EndpointBill {
    Decimal calls;
    Charges charges;
};

struct MeterBill {
    std::string name;  // the pool's
    Decimal used, free, usd;
};

struct Bill {
    std::vector<EndpointBill> endpoints;  // by the model's index; so are the services
    std::vector<ServiceBill> services;
    std::vector<MeterBill> meters;  // of tariffs, by name
    Charges charges;                // of all
};

}  // namespace autotune
