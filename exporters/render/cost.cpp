#include "exporters/render/cost.hpp"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

// "1234567" as "1,234,567".
std::string grouped(const std::string& text) {
    const std::size_t first = text.starts_with('-') ? 1 : 0, point = std::min(text.find('.'), text.size());
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i > first && i < point && (point - i) % 3 == 0) out += ',';
        out += text[i];
    }
    return out;
}

std::string dollars(Decimal usd) {
    std::string text = grouped(usd.text(2));
    if (text.starts_with('-')) return "-$" + text.substr(1);
    return "$" + text;
}

std::string change(Decimal before, Decimal after) {
    const Decimal difference = after - before;
    return (difference > Decimal() ? "+" : "") + dollars(difference);
}

// The first column to the left, all others to the right.
std::string table(const std::vector<Row>& rows) {
    std::vector<std::size_t> width;
    for (const Row& row : rows) {
        width.resize(std::max(width.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], length_of(row[i]));
    }
    std::string out;
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string pad(width[i] - length_of(row[i]), ' ');
            line += i == 0 ? row[i] + pad : "  " + pad + row[i];
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

std::string instances_name(const CostService& service, const ServiceBill& bill) {
    return clean_text(service.name) + " × " + grouped(bill.instances.text());
}

Row charges_row(std::string name, std::string calls, const Charges& c) {
    return {std::move(name), std::move(calls), dollars(c.api),       dollars(c.compute),
            dollars(c.io),   dollars(c.other), dollars(c.instances), dollars(c.total())};
}

std::string sources(const CostReport& report) {
    std::string out;
    for (const Tariff& tariff : *report.tariffs) {
        out += "tariff " + clean_text(tariff.name) + ": " + clean_text(tariff.title) + ", prices of " +
               clean_text(tariff.as_of) + "\n";
        for (const TariffSource& source : tariff.sources)
            out += "  " + clean_text(source.url) +
                   (source.read.empty() ? ", not compared with these prices" : ", read " + clean_text(source.read)) + "\n";
    }
    return out;
}

std::string meters(const CostReport& report, const Bill& bill) {
    if (bill.meters.empty()) return {};
    std::vector<Row> rows{{"counted", "used", "free", "cost"}};
    for (const MeterBill& meter : bill.meters)
        rows.push_back({clean_text(meter.name), grouped(meter.used.text(3)),
                        report.model->free_tier ? grouped(meter.free.text(3)) : "-", dollars(meter.usd)});
    return table(rows) + "\n";
}

Json amount(Decimal usd) { return std::strtod(usd.text(2).c_str(), nullptr); }

Json charges_json(const Charges& c) {
    return {{"api", c.api.text()},     {"compute", c.compute.text()},     {"io", c.io.text()},
            {"other", c.other.text()}, {"instances", c.instances.text()}, {"total", c.total().text()}};
}

Json bill_json(const CostReport& report, const Bill& bill) {
    Json services = Json::array(), endpoints = Json::array(), counted = Json::array();
    for (std::size_t i = 0; i < bill.services.size(); ++i) {
        const CostService& service = report.model->services[i];
        Json json{{"name", service.name},
                  {"kind", service.instances ? "instance" : "function"},
                  {"usd", amount(bill.services[i].charges.total())},
                  {"charges", charges_json(bill.services[i].charges)}};
        if (service.instances) json["instances"] = bill.services[i].instances.text();
        services.push_back(std::move(json));
    }
    for (std::size_t i = 0; i < bill.endpoints.size(); ++i)
        endpoints.push_back({{"name", report.model->endpoints[i].name},
                             {"service", report.model->services[report.model->endpoints[i].service].name},
                             {"calls", bill.endpoints[i].calls.text()},
                             {"usd", amount(bill.endpoints[i].charges.total())},
                             {"charges", charges_json(bill.endpoints[i].charges)}});
    for (const MeterBill& meter : bill.meters)
        counted.push_back({{"name", meter.name},
                           {"used", meter.used.text()},
                           {"free", meter.free.text()},
                           {"usd", amount(meter.usd)},
                           {"exact", meter.usd.text()}});
    return {{"total_usd", amount(bill.charges.total())},
            {"total_exact", bill.charges.total().text()},
            {"charges", charges_json(bill.charges)},
            {"services", services},
            {"endpoints", endpoints},
            {"meters", counted}};
}

std::string comparison(const CostReport& report) {
    std::vector<Row> rows{{"", "before", "after", "change"}};
    const auto row = [&](std::string name, Decimal before, Decimal after) {
        rows.push_back({std::move(name), dollars(before), dollars(after), change(before, after)});
    };
    for (std::size_t i = 0; i < report.model->services.size(); ++i)
        row(clean_text(report.model->services[i].name), report.bill->services[i].charges.total(),
            report.after->services[i].charges.total());
    row("all", report.bill->charges.total(), report.after->charges.total());
    std::string out;
    for (const std::string& change : report.changes) out += "what if " + clean_text(change) + "\n";
    return out + "\n" + table(rows) + "\n";
}

std::string between(const CostInterval& interval) {
    return "between " + dollars(interval.low) + " and " + dollars(interval.high);
}

// How much was seen, and how sure the total is.
std::string certainty(const CostReport& report) {
    const MeasuredCost& measured = *report.measured;
    std::string out = "measured " + to_rfc3339(measured.from) + " to " + to_rfc3339(measured.to) + " (" +
                      human_duration(to_seconds(measured.to - measured.from)) + "): " + grouped(std::to_string(measured.invocations)) +
                      (measured.invocations == 1 ? " invocation" : " invocations") + ", here times " + grouped(measured.scale.text(2)) +
                      " for a period of " + measured.period_hours.text() + " h\n";
    if (!report.interval) return out + "too little was seen to say how sure the total is\n";
    out += "95 %: all " + between(*report.interval);
    if (report.after_interval) out += ", after it " + between(*report.after_interval);
    return out + ", were the period made of hours like those measured\n";
}

std::string remarks(const CostReport& report) {
    std::string out;
    for (const std::string& remark : report.measured->remarks) out += "- " + clean_text(remark) + "\n";
    return out.empty() ? out : "\nnot known, or taken to be:\n" + out;
}

std::string with_certainty(const CostReport& report, const std::string& text) {
    return report.measured ? certainty(report) + "\n" + text + remarks(report) : text;
}

Json interval_json(const std::optional<CostInterval>& interval) {
    if (!interval) return nullptr;
    return {{"level", interval->level}, {"low_usd", amount(interval->low)}, {"high_usd", amount(interval->high)},
            {"low_exact", interval->low.text()}, {"high_exact", interval->high.text()}, {"draws", interval->draws},
            {"slices", interval->slices}};
}

}  // namespace

std::string cost_text(const CostReport& report) {
    if (report.after) return with_certainty(report, comparison(report) + sources(report));
    const Bill& bill = *report.bill;
    std::vector<Row> rows{{"", "calls", "api", "compute", "io", "other", "instances", "total"}};
    for (std::size_t i = 0; i < bill.endpoints.size(); ++i)
        rows.push_back(charges_row(clean_text(report.model->endpoints[i].name),
                                   grouped(bill.endpoints[i].calls.text()), bill.endpoints[i].charges));
    for (std::size_t i = 0; i < bill.services.size(); ++i)
        if (report.model->services[i].instances)
            rows.push_back(charges_row(
                instances_name(report.model->services[i], bill.services[i]), "",
                {.other = report.model->services[i].other, .instances = bill.services[i].charges.instances}));
    rows.push_back(charges_row("all", "", bill.charges));
    return with_certainty(report, table(rows) + "\n" + meters(report, bill) + sources(report));
}

std::string cost_json(const CostReport& report) {
    Json json = bill_json(report, *report.bill);
    Json tariffs = Json::array();
    for (const Tariff& tariff : *report.tariffs) {
        Json from = Json::array();
        for (const TariffSource& source : tariff.sources)
            from.push_back({{"url", source.url}, {"read", source.read}});
        tariffs.push_back({{"name", tariff.name},
                           {"title", tariff.title},
                           {"as_of", tariff.as_of},
                           {"note", tariff.note},
                           {"sources", from}});
    }
    json["tariffs"] = std::move(tariffs);
    if (report.measured) {
        const MeasuredCost& m = *report.measured;
        json["measured"] = {{"from", to_rfc3339(m.from)}, {"to", to_rfc3339(m.to)}, {"from_unix_ns", m.from.time_since_epoch().count()},
                            {"to_unix_ns", m.to.time_since_epoch().count()}, {"invocations", m.invocations}, {"scale", m.scale.text()},
                            {"period_hours", m.period_hours.text()}, {"remarks", m.remarks}};
        json["interval"] = interval_json(report.interval);
    }
    if (report.after) {
        json["changes"] = report.changes;
        json["after"] = bill_json(report, *report.after);
        if (report.measured) json["after"]["interval"] = interval_json(report.after_interval);
        json["difference_usd"] = amount(report.after->charges.total() - report.bill->charges.total());
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace autotune::render
