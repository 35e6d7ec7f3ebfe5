// How long the bill of a large application takes: layers of functions that call three of the next, an
// instance service among eight. The bar is 5 ms for 8,000 endpoints.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "analyzer/cost/bill.hpp"
#include "knowledge/tariffs.hpp"
#include "rules/cost/tariff.hpp"

namespace autotune {
namespace {

CostModel application(std::uint32_t endpoints) {
    CostModel model;
    constexpr std::uint32_t kWide = 40;
    for (std::uint32_t i = 0; i < endpoints; ++i) {
        CostService service{.name = "s" + std::to_string(i),
                            .tariff = i % 3 ? "aws-lambda-x86" : "aws-lambda-arm"};
        CostEndpoint endpoint{.name = service.name, .service = i};
        service.instances = i % 8 == 7;
        service.memory_mb = 128 << (i % 5);
        service.instance_usd = *Decimal::parse("8.468");
        if (service.instances) endpoint.capacity = Decimal(1'000'000 + i % 7);
        endpoint.duration_ms = *Decimal::parse(std::to_string(5 + i % 190) + ".25");
        endpoint.out_gb = *Decimal::parse("0.0000029");
        endpoint.api = i % 4 ? "" : "http";
        if (i < kWide) endpoint.load = Decimal(1'000'000 + i);
        for (std::uint32_t next = 1; next <= 3; ++next)
            if (const std::uint32_t to = (i / kWide + 1) * kWide + (i * next + next) % kWide; to < endpoints)
                endpoint.calls.push_back({to, *Decimal::parse("0.33")});
        model.services.push_back(std::move(service));
        model.endpoints.push_back(std::move(endpoint));
    }
    return model;
}

void bill(benchmark::State& state) {
    std::vector<Tariff> tariffs;
    for (const TariffText& text : tariff_texts()) tariffs.push_back(*rules::load_tariff(text.text).tariff);
    const CostModel model = application(static_cast<std::uint32_t>(state.range(0)));
    for (auto _ : state) {
        const auto out = analysis::bill_of(model, tariffs);
        if (!out) state.SkipWithError(out.error().message.c_str());
        benchmark::DoNotOptimize(out);
    }
}
BENCHMARK(bill)->Arg(1'000)->Arg(8'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace autotune
