// RFC 1952, by zlib.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune::render {

// Same bytes for the same bytes: no name, no time in the header.
[[nodiscard]] std::string gzip(std::string_view bytes);

// Unpacks piece by piece. One owner.
class Gunzip {
public:
    using Sink = std::function<Status(std::string_view)>;
    Gunzip();
    ~Gunzip();
    Gunzip(const Gunzip&) = delete;
    Gunzip& operator=(const Gunzip&) = delete;

    // Gives what comes out of `packed` to `sink`, in pieces. Errors: corrupt; the sink's own.
    Status feed(std::string_view packed, const Sink& sink);
    // Errors: corrupt, when more had to come.
    [[nodiscard]] Status finish() const;

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

// Errors: corrupt; resource_exhausted when there would be more than `most` bytes.
[[nodiscard]] Result<std::string> gunzip(std::string_view bytes, std::size_t most);

// Does it begin like a gzip file?
[[nodiscard]] bool is_gzip(std::string_view bytes);

}  // namespace autotune::render
