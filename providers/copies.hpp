// Copies of a function at other places: what a relocation needs before calls can go there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "core/provider.hpp"
#include "core/result.hpp"

namespace autotune {

struct Place {
    std::string name, region, endpoint;  // endpoint "": the region's own
};
// Makes what speaks to a place.
using Reach = std::function<Result<std::unique_ptr<Provider>>(const Place&)>;

// The places that the remedy names; none for those that are no relocation. Errors: invalid_argument.
[[nodiscard]] Result<std::vector<Place>> places_of(const Wrap& wrap);

// The label of a copy: of which function it is. What has none is somebody's own, and is not touched.
inline constexpr const char* kCopyLabel = "autotune:copy-of";

// Whether what a copy would be made of is all there is to the function: it has no layers, is in no network, and its
// variables may be read. Errors: unsupported, for people.
[[nodiscard]] Status can_be_copied(const Package& package);

// Whether autotune made that function, as a copy of `of`.
[[nodiscard]] bool is_copy(const FunctionState& state, const FunctionRef& of);

// Sees to it that each place has the function with the code and the configuration of `version` as its unpublished
// head; asks for nothing where it has. May be done again at any time. Errors: the platforms', with the place's name;
// unsupported: the function cannot be copied, or a place has another one of that name.
[[nodiscard]] Status provide_copies(const std::vector<Place>& places, const FunctionRef& function, const Version& version,
                                    Provider& home, const Reach& reach);

}  // namespace autotune
