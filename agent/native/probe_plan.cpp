#include "agent/native/probe_plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "agent/native/exit_sites.hpp"
#include "agent/native/return_probes.hpp"
#include "agent/native/source_lines.hpp"
#include "agent/symbols/demangle.hpp"
#include "agent/symbols/elf_image.hpp"

namespace autotune::native {

namespace {

std::uint32_t size_of(ValueType type, std::uint64_t symbol_size) {
    switch (type) {
        case ValueType::i8:
        case ValueType::u8: return 1;
        case ValueType::i16:
        case ValueType::u16: return 2;
        case ValueType::i32:
        case ValueType::u32: return 4;
        case ValueType::by_size:
            return symbol_size >= 1 && symbol_size <= 8 ? static_cast<std::uint32_t>(symbol_size) : 8;
        default: return 8;
    }
}

bool is_signed(ValueType type) {
    return type == ValueType::by_size || (type >= ValueType::i8 && type <= ValueType::i64);
}

class Planner {
public:
    explicit Planner(const PlanRequest& request) : request_(request) {}

    Result<ProbePlan> run() {
        for (const std::string& text : request_.functions) {
            auto target = parse_native_target(text);
            if (!target) return target.forward();
            if (Status s = add_calls(*target); !s) return s.forward();
        }
        for (const std::string& text : request_.watches) {
            auto target = parse_native_watch(text);
            if (!target) return target.forward();
            if (Status s = add_watch(*target); !s) return s.forward();
        }
        if (plan_.functions.size() > AT_MAX_FUNCTIONS)
            return fail(Errc::invalid_argument, "more than a million functions match");
        if (plan_.values.size() > AT_MAX_VALUES)
            return fail(Errc::invalid_argument,
                        "more than " + std::to_string(AT_MAX_VALUES) + " values: watch fewer functions");
        say_why_no_return_probes();
        for (auto& [key, set] : sets_) plan_.probes.push_back(std::move(set));
        return std::move(plan_);
    }

private:
    Result<std::size_t> program_of(const NativeTarget& target) {
        const auto path = find_binary(target.binary, request_.process);
        if (!path) return path.forward();
        const auto known = opened_.find(*path);
        if (known != opened_.end()) return known->second;
        auto file = ProgramFile::open(*path);
        if (!file) return file.forward();
        plan_.programs.push_back(std::make_unique<ProgramFile>(*std::move(file)));
        return opened_[*path] = plan_.programs.size() - 1;
    }

    // The addresses of a line's code.
    static Result<std::vector<std::uint64_t>> addresses_of(const ProgramFile& file,
                                                           const NativeTarget& target) {
        const SourceLines lines(file.debug_path().empty() ? file.path() : file.debug_path());
        if (lines.empty())
            return fail(Errc::not_found, file.path() +
                                             " has no line numbers (it was not built with -g, or they are "
                                             "in a debug package that is not installed)");
        auto found = lines.addresses(target.file, target.line);
        if (!found.empty()) return found;
        const auto files = lines.files_like(target.file);
        std::string message =
            file.path() + " has no code at " + target.file + ":" + std::to_string(target.line);
        if (!files.empty()) message += "; it has " + files.front();
        return fail(Errc::not_found, message);
    }

    Result<std::vector<ProgramFunction>> functions_of(const ProgramFile& file, const NativeTarget& target) {
        if (target.file.empty()) return file.find(target.glob);
        const auto addresses = addresses_of(file, target);
        if (!addresses) return addresses.forward();
        std::map<std::uint64_t, ProgramFunction> found;
        for (const std::uint64_t address : *addresses)
            if (const auto f = file.at(address)) found.emplace(f->address, *f);
        if (found.empty())
            return fail(Errc::not_found, file.path() + ": no function holds " + target.file + ":" +
                                             std::to_string(target.line));
        std::vector<ProgramFunction> all;
        for (const auto& [address, f] : found) all.push_back(f);
        return all;
    }

    Status add_calls(const NativeTarget& target) {
        const auto program = program_of(target);
        if (!program) return program.forward();
        const ProgramFile& file = *plan_.programs[*program];
        const auto functions = functions_of(file, target);
        if (!functions) return functions.forward();
        std::map<std::string, std::vector<std::string_view>> untraced;  // by why
        std::size_t traced = 0;
        for (const ProgramFunction& f : *functions) {
            if (!seen_.insert({*program, f.address}).second) {
                ++traced;
                continue;
            }
            if (const std::string why = add_call(*program, f); !why.empty()) {
                untraced[why].push_back(f.name);
                continue;
            }
            ++traced;
            if (Status s = add_values(target, f.address + site_.into); !s) return s;
        }
        for (const auto& [why, names] : untraced) {
            const std::string first = symbols::demangle(names.front());
            if (traced == 0)
                return fail(Errc::unsupported, file.path() + ": " + first + " cannot be traced: " + why);
            plan_.remarks.push_back(std::to_string(names.size()) + " of " + std::to_string(functions->size()) +
                                    " functions of " + file.path() + " are not traced, among them " + first +
                                    ": " + why);
        }
        return ok();
    }

    static EndChoice end_of(const ProgramFile& file, const ProgramFunction& f, const std::vector<std::byte>& code) {
        const EndChoice own = end_rule(f.name);
        if (own.rule != EndRule::return_probe) return own;
        const EndChoice whole = end_rule(file);
        if (whole.rule == EndRule::return_probe || file.is_go()) return whole;
        const bool is_leaf = this_machine() == Machine::x86_64 && code.size() == f.size && is_plain_leaf(code);
        return is_leaf ? own : whole;
    }

    // Why it is not; empty: it is.
    std::string add_call(std::size_t program, const ProgramFunction& f) {
        const ProgramFile& file = *plan_.programs[program];
        const std::vector<std::byte> code = file.code(f);
        const auto index = static_cast<std::uint32_t>(plan_.functions.size());
        const EndChoice end = end_of(file, f, code);
        std::vector<std::uint64_t> exits;
        if (end.rule == EndRule::exit_sites && !exits_of(file, f, code, exits))
            return "return probes would harm the program (" + std::string(end.because) +
                   "), and its exits cannot be found in its code";
        site_ = choose_entry_site(code, this_machine(), long_nops_of_this_kernel());
        if (!takes_probe(code, site_.into, this_machine()))
            return "it begins with an instruction that takes no probe";
        if (end.rule != EndRule::return_probe) note_why_no_return_probe(file, f, end);
        const bool by_return = end.rule == EndRule::return_probe;
        plan_.functions.push_back({.program = program,
                                   .address = f.address,
                                   .name = f.name,
                                   .site = site_.kind,
                                   .end = by_return ? EndSeenBy::return_probe : EndSeenBy::exit_sites,
                                   .first_value = static_cast<std::uint32_t>(plan_.values.size())});
        for (const std::uint64_t exit : exits) add_probe(program, ProbeUse::exit_site, exit, index);
        add_probe(program, by_return ? ProbeUse::call : ProbeUse::entry, f.file_offset + site_.into, index);
        return {};
    }

    void note_why_no_return_probe(const ProgramFile& file, const ProgramFunction& f, const EndChoice& end) {
        const EndChoice whole = end_rule(file);
        const bool as_all_of_it = end.rule == whole.rule;
        auto& names = no_return_probe_[{file.path(), as_all_of_it ? whole.because : end.because}];
        if (!as_all_of_it) names.push_back(symbols::demangle(f.name));
    }

    void say_why_no_return_probes() {
        constexpr std::size_t kNamed = 3;
        for (const auto& [where, names] : no_return_probe_) {
            std::string which;
            for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i)
                which += (i == 0 ? "on " : ", ") + names[i];
            if (names.size() > kNamed) which += " and " + std::to_string(names.size() - kNamed) + " more";
            plan_.remarks.push_back("no return probes " + which + (names.empty() ? "in " : " of ") + where.first + ": " +
                                    std::string(where.second) +
                                    (names.empty() ? "; exits are probed instead" : ""));
        }
    }

    static bool exits_of(const ProgramFile& file, const ProgramFunction& f,
                         const std::vector<std::byte>& code, std::vector<std::uint64_t>& exits) {
        if (this_machine() != Machine::x86_64 || code.size() < f.size) return false;
        const auto sites = find_exit_sites(code);
        if (!sites) return false;
        const std::string rare = std::string(f.name) + ".cold";
        std::set<std::uint64_t> parts;
        for (const std::int64_t target : sites->outside) {
            const auto other = file.at(f.address + static_cast<std::uint64_t>(target));
            if (other && other->name.starts_with(rare)) parts.insert(other->address);
        }
        for (const std::uint32_t into : sites->into) exits.push_back(f.file_offset + into);
        // A jump to the rare part does not leave the function: with one, jumps are told apart by their
        // target.
        if (!parts.empty()) return exits_with_parts(file, f, code, parts, exits);
        return true;
    }

    // Exits of a function in several parts: its returns, wherever they are. Jumps that leave all of it are
    // not told from those between the parts here, so a function with tail calls besides is refused.
    static bool exits_with_parts(const ProgramFile& file, const ProgramFunction& f,
                                 const std::vector<std::byte>& code, const std::set<std::uint64_t>& parts,
                                 std::vector<std::uint64_t>& exits) {
        exits.clear();
        const auto take = [&](const ProgramFunction& part, const std::vector<std::byte>& bytes) {
            const auto sites = find_exit_sites(bytes);
            if (!sites) return false;
            for (const std::int64_t target : sites->outside) {
                const std::uint64_t to = part.address + static_cast<std::uint64_t>(target);
                const auto other = file.at(to);
                if (!other || (other->address != f.address && !parts.contains(other->address))) return false;
            }
            for (const std::uint32_t into : sites->into)
                if (is_return(bytes, into)) exits.push_back(part.file_offset + into);
            return true;
        };
        if (!take(f, code)) return false;
        return std::ranges::all_of(parts, [&](std::uint64_t address) {
            const auto part = file.at(address);
            return part && take(*part, file.code(*part));
        });
    }

    static bool is_return(const std::vector<std::byte>& code, std::uint32_t into) {
        const auto byte = [&](std::uint32_t at) {
            return at < code.size() ? std::to_integer<unsigned>(code[at]) : 0U;
        };
        const unsigned first = byte(into);
        const unsigned last = first == 0xf2 || first == 0xf3 ? byte(into + 1) : first;
        return last == 0xc3 || last == 0xc2;
    }

    Status add_watch(const NativeTarget& target) {
        const auto program = program_of(target);
        if (!program) return program.forward();
        const ProgramFile& file = *plan_.programs[*program];
        std::vector<std::pair<ProgramFunction, ProbeSite>> places;
        std::size_t found = 0;
        const auto take = [&](const ProgramFunction& f, auto&& choose) {
            const std::vector<std::byte> code = file.code(f);
            const ProbeSite site = choose(code);
            ++found;
            if (takes_probe(code, site.into, this_machine())) places.emplace_back(f, site);
        };
        if (target.file.empty()) {
            const auto functions = file.find(target.glob);
            if (!functions) return functions.forward();
            for (const ProgramFunction& f : *functions)
                take(f, [](const auto& code) {
                    return choose_entry_site(code, this_machine(), long_nops_of_this_kernel());
                });
        } else {
            const auto addresses = addresses_of(file, target);
            if (!addresses) return addresses.forward();
            for (const std::uint64_t address : *addresses)
                if (const auto f = file.at(address))
                    take(*f, [&](const auto& code) {
                        return choose_inner_site(code, static_cast<std::uint32_t>(address - f->address),
                                                 this_machine(), long_nops_of_this_kernel());
                    });
            if (found == 0)
                return fail(Errc::not_found, file.path() + ": no function holds " + target.file + ":" +
                                                 std::to_string(target.line));
        }
        if (places.empty())
            return fail(Errc::unsupported, file.path() + ": nothing can be watched at " + target.text +
                                               ": the instruction there takes no probe");
        if (places.size() < found)
            plan_.remarks.push_back(std::to_string(found - places.size()) + " of " + std::to_string(found) +
                                    " places of " + target.text +
                                    " are not watched: the instruction there takes no probe");
        for (const auto& [f, site] : places) {
            const auto index = static_cast<std::uint32_t>(plan_.functions.size());
            plan_.functions.push_back({.program = *program,
                                       .address = f.address,
                                       .name = f.name,
                                       .site = site.kind,
                                       .only_values = true,
                                       .first_value = static_cast<std::uint32_t>(plan_.values.size())});
            add_probe(*program, ProbeUse::line, f.file_offset + site.into, index);
            if (Status s = add_values(target, f.address + site.into); !s) return s;
        }
        return ok();
    }

    // Of the function that was added last.
    Status add_values(const NativeTarget& target, std::uint64_t probe_address) {
        PlannedFunction& function = plan_.functions.back();
        const ProgramFile& file = *plan_.programs[function.program];
        for (const ValueWish& wish : target.values) {
            PlannedValue value{.wish = wish, .is_signed = is_signed(wish.type)};
            at_native_wish& k = value.kernel;
            k.per_second = request_.values_per_second;
            std::uint64_t size = 8;
            if (wish.argument != 0) {
                k.source = AT_VALUE_ARGUMENT;
                k.argument = wish.argument - 1;
            } else {
                const auto variable = file.variable(wish.variable);
                if (!variable)
                    return fail(Errc::not_found, file.path() + " has no variable " + wish.variable +
                                                     " (only global and static ones can be watched)");
                k.source = AT_VALUE_VARIABLE;
                k.from_probe = static_cast<std::int64_t>(variable->address - probe_address);
                size = variable->size;
            }
            k.size = size_of(wish.type, size);
            const bool is_array = k.source == AT_VALUE_VARIABLE && size != 8;
            if (wish.type == ValueType::text)
                k.form = is_array ? AT_VALUE_INLINE_TEXT : AT_VALUE_POINTED_TEXT;
            plan_.values.push_back(std::move(value));
            ++function.value_count;
        }
        return ok();
    }

    void add_probe(std::size_t program, ProbeUse use, std::uint64_t offset, std::uint32_t index) {
        ProbeSet& set = sets_[{program, use}];
        set.path = plan_.programs[program]->path();
        set.use = use;
        set.offsets.push_back(offset);
        set.cookies.push_back(index);
    }

    const PlanRequest& request_;
    ProbePlan plan_;
    ProbeSite site_;
    std::map<std::string, std::size_t> opened_;
    std::set<std::pair<std::size_t, std::uint64_t>> seen_;
    std::map<std::pair<std::string, std::string_view>, std::vector<std::string>> no_return_probe_;  // file, why
    std::map<std::pair<std::size_t, ProbeUse>, ProbeSet> sets_;
};

}  // namespace

Result<ProbePlan> plan_probes(const PlanRequest& request) { return Planner(request).run(); }

}  // namespace autotune::native
