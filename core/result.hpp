// Result<T>: a value or the reason why there is none.
//
// Spelt like std::expected (C++23), so that it can be replaced by it one day. Functions that can
// fail return Result<T>, or Status where there is nothing to give back. Nothing in this project
// throws across a folder's border; exceptions of third-party libraries are caught in the one file
// that calls the library.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace autotune {

// What kind of failure it was, for code that decides; the message is for people.
enum class Errc {
    invalid_argument,    // the caller or the user gave something that cannot be right
    not_found,           // the named thing does not exist
    already_exists,      // it exists, and must not
    permission_denied,   // the kernel or the platform refuses this user
    conflict,            // compare-and-swap lost: someone else changed it (HTTP 412, 409)
    resource_exhausted,  // throttled or out of quota; may be tried again later (HTTP 429)
    unavailable,         // nobody answered, or the answer was 5xx; may be tried again
    timed_out,           // no answer in time: it may or may not have happened
    unsupported,         // this kernel, platform or build cannot do it
    corrupt,             // data that does not parse or does not verify
    internal,            // a bug of ours
};

[[nodiscard]] std::string_view to_string(Errc code);

struct Error {
    Errc code = Errc::internal;
    std::string message;  // what was being done and why it failed; no trailing full stop or newline

    // The same error with the caller's words in front: "reading rules.yaml: <message>".
    [[nodiscard]] Error with_context(std::string_view doing) const {
        return {code, std::string(doing) + ": " + message};
    }
};

// Error of `code` whose message ends in strerror(errno_value).
[[nodiscard]] Error errno_error(std::string_view doing, int errno_value);

// Lets `return fail(Errc::not_found, "...")` convert to any Result.
struct Unexpected {
    Error error;
};
[[nodiscard]] inline Unexpected unexpected(Error error) { return {std::move(error)}; }
[[nodiscard]] inline Unexpected fail(Errc code, std::string message) {
    return {{code, std::move(message)}};
}

template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;

    template <class U = T>
        requires(std::is_constructible_v<T, U &&> &&
                 !std::is_same_v<std::remove_cvref_t<U>, Result> &&
                 !std::is_same_v<std::remove_cvref_t<U>, Unexpected>)
    Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT: implicit
    Result(Unexpected failure)                                                     // NOLINT: implicit
        : state_(std::in_place_index<1>, std::move(failure.error)) {}

    [[nodiscard]] bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    // REQUIRES: has_value(). Aborts otherwise: a wrong value must never travel on.
    T& value() & { return check(), *std::get_if<0>(&state_); }
    const T& value() const& { return check(), *std::get_if<0>(&state_); }
    T&& value() && { return check(), std::move(*std::get_if<0>(&state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    // REQUIRES: !has_value().
    [[nodiscard]] const Error& error() const& {
        if (has_value()) std::abort();
        return *std::get_if<1>(&state_);
    }
    [[nodiscard]] Error&& error() && {
        if (has_value()) std::abort();
        return std::move(*std::get_if<1>(&state_));
    }

    template <class U>
    [[nodiscard]] T value_or(U&& fallback) const& {
        return has_value() ? value() : static_cast<T>(std::forward<U>(fallback));
    }
    template <class U>
    [[nodiscard]] T value_or(U&& fallback) && {
        return has_value() ? std::move(*this).value() : static_cast<T>(std::forward<U>(fallback));
    }

    // Error of this result, ready to be returned as another Result: `return r.forward();`
    [[nodiscard]] Unexpected forward() const& { return {error()}; }
    [[nodiscard]] Unexpected forward() && { return {std::move(*this).error()}; }
    [[nodiscard]] Unexpected forward(std::string_view doing) const { return {error().with_context(doing)}; }

    template <class F>
    [[nodiscard]] auto and_then(F&& next) && -> std::invoke_result_t<F, T&&> {
        if (has_value()) return std::forward<F>(next)(std::move(*this).value());
        return Unexpected{std::move(*this).error()};
    }
    template <class F>
    [[nodiscard]] auto transform(F&& map) && -> Result<std::invoke_result_t<F, T&&>> {
        if (has_value()) return std::forward<F>(map)(std::move(*this).value());
        return Unexpected{std::move(*this).error()};
    }

private:
    void check() const {
        if (!has_value()) std::abort();
    }
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;
    Result() = default;
    Result(Unexpected failure) : error_(std::move(failure.error)), failed_(true) {}  // NOLINT: implicit

    [[nodiscard]] bool has_value() const { return !failed_; }
    explicit operator bool() const { return has_value(); }
    [[nodiscard]] const Error& error() const {
        if (!failed_) std::abort();
        return error_;
    }
    [[nodiscard]] Unexpected forward() const { return {error()}; }
    [[nodiscard]] Unexpected forward(std::string_view doing) const { return {error().with_context(doing)}; }

private:
    Error error_;
    bool failed_ = false;
};

using Status = Result<void>;
[[nodiscard]] inline Status ok() { return {}; }

}  // namespace autotune
