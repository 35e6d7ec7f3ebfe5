#include "agent/native/return_probes.hpp"

#include <algorithm>
#include <array>

namespace autotune::native {

namespace {

// Names without the underscores that they begin with: C libraries have several of each.
constexpr std::array kReturnTwice{
    std::string_view("setjmp"), std::string_view("sigsetjmp"),  std::string_view("getcontext"),
    std::string_view("vfork"),  std::string_view("libc_vfork"), std::string_view("clone"),
    std::string_view("clone3"), std::string_view("savectx"),
};
constexpr std::array kSwitchStacks{
    std::string_view("swapcontext"),
    std::string_view("jump_fcontext"),
    std::string_view("ontop_fcontext"),
};
constexpr std::array kDoNotReturn{
    std::string_view("longjmp"),        std::string_view("siglongjmp"),       std::string_view("longjmp_chk"),
    std::string_view("libc_longjmp"),   std::string_view("libc_siglongjmp"),  std::string_view("setcontext"),
    std::string_view("exit"),           std::string_view("Exit"),             std::string_view("quick_exit"),
    std::string_view("abort"),          std::string_view("pthread_exit"),     std::string_view("thrd_exit"),
    std::string_view("pthread_unwind"), std::string_view("pthread_unwind_next")};
constexpr std::array kBecomeAnother{
    std::string_view("execve"), std::string_view("execv"),   std::string_view("execvp"),  std::string_view("execvpe"),
    std::string_view("execl"),  std::string_view("execle"),  std::string_view("execlp"),  std::string_view("fexecve"),
    std::string_view("execveat")};
constexpr std::array kUnwind{std::string_view("cxa_throw"), std::string_view("cxa_rethrow"),
                             std::string_view("cxa_call_unexpected")};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

// Begun by a jump, with something else where the return address would be.
bool has_no_return_address(std::string_view name) {
    return name == "_start" || name == "_dl_start_user" || name == "__start_context" || name == "__restore_rt" ||
           name.starts_with("_dl_runtime_resolve") || name.starts_with("_dl_runtime_profile") ||
           name.starts_with("__morestack");
}

}  // namespace

EndChoice end_rule(const ProgramFile& file) {
    if (file.is_go()) return {EndRule::exit_sites, "goroutines move from stack to stack"};
    if (file.unwinds()) return {EndRule::exit_sites, "exceptions or ends of threads may pass through it"};
    if (file.switches_stacks()) return {EndRule::exit_sites, "it switches stacks"};
    return {};
}

EndChoice end_rule(std::string_view linkage_name) {
    if (has_no_return_address(linkage_name)) return {EndRule::entry_alone, "it has no return address"};
    const auto letters = linkage_name.find_first_not_of('_');
    if (letters == std::string_view::npos) return {};
    const std::string_view name = linkage_name.substr(letters);
    if (is_one_of(kReturnTwice, name)) return {EndRule::exit_sites, "it returns twice"};
    if (is_one_of(kSwitchStacks, name)) return {EndRule::exit_sites, "it switches stacks"};
    if (is_one_of(kBecomeAnother, name)) return {EndRule::exit_sites, "it does not return when it works"};
    if (is_one_of(kDoNotReturn, name)) return {EndRule::entry_alone, "it does not return"};
    if (is_one_of(kUnwind, name) || (letters > 0 && name.starts_with("Unwind_")))
        return {EndRule::exit_sites, "it walks the stack"};
    return {};
}

}  // namespace autotune::native
