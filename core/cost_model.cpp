#include "core/cost_model.hpp"

#include <algorithm>

namespace autotune {

Result<TariffSize> billed_size(const Tariff& tariff, std::int64_t memory_mb) {
    const auto refuse = [&](std::int64_t most) -> Unexpected {
        return fail(Errc::invalid_argument, std::to_string(memory_mb) + " MB of memory; " + tariff.name +
                                                " goes up to " + std::to_string(most) + " MB");
    };
    if (!tariff.sizes.empty()) {
        for (const TariffSize& size : tariff.sizes)
            if (size.memory_mb >= memory_mb) return size;
        return refuse(tariff.sizes.back().memory_mb);
    }
    if (tariff.most_memory_mb > 0 && memory_mb > tariff.most_memory_mb) return refuse(tariff.most_memory_mb);
    const std::int64_t step = tariff.memory_step_mb;
    const std::int64_t memory = (std::max(memory_mb, tariff.least_memory_mb) + step - 1) / step * step;
    return TariffSize{memory, {}};
}

}  // namespace autotune
