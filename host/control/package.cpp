#include "host/control/package.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "host/control/faults.hpp"
#include "host/control/package_links.hpp"

namespace autotune::host {
namespace {

namespace fs = std::filesystem;

struct CloseZip {
    void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct CloseEntry {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Zip = std::unique_ptr<zip_t, CloseZip>;
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;

Unexpected not_a_zip() {
    return lambda_fault(Fault::invalid_parameter,
                        "Could not unzip uploaded file. Please check your file, then try to upload again.");
}

Unexpected too_large(const PackageLimits& limits) {
    return lambda_fault(Fault::invalid_parameter,
                        "Unzipped size must be smaller than " + std::to_string(limits.unzipped) + " bytes");
}

Zip open_zip(std::string_view bytes) {
    auto* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, nullptr);
    if (source == nullptr) return nullptr;
    auto* zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, nullptr);
    if (zip == nullptr) zip_source_free(source);
    return Zip(zip);
}

// "a/../../x", "/etc/x" and names with a NUL or backslash lead elsewhere on some system.
bool stays_inside(const fs::path& name) {
    if (name.empty() || name.is_absolute() || name.native().find('\\') != std::string::npos) return false;
    for (const auto& part : name)
        if (part == "..") return false;
    return true;
}

mode_t mode_of(zip_t* zip, zip_uint64_t index) {
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(zip, index, 0, &system, &attributes) != 0 ||
        system != ZIP_OPSYS_UNIX || attributes >> 16 == 0)
        return S_IFREG | 0644;
    return attributes >> 16;
}

// Reads one entry, at most `budget` bytes; what was read is taken from the budget.
template <class Consume>
Status read_entry(zip_t* zip, zip_uint64_t index, std::uint64_t& budget, const PackageLimits& limits,
                  Consume consume) {
    const Entry entry(zip_fopen_index(zip, index, 0));
    if (!entry) return not_a_zip();
    std::array<char, 64 * 1024> buffer;
    for (;;) {
        const auto got = zip_fread(entry.get(), buffer.data(), buffer.size());
        if (got < 0) return not_a_zip();  // also a wrong checksum
        if (got == 0) return ok();
        if (static_cast<std::uint64_t>(got) > budget) return too_large(limits);
        budget -= static_cast<std::uint64_t>(got);
        if (auto s = consume(std::string_view(buffer.data(), static_cast<std::size_t>(got))); !s) return s;
    }
}

Status write_file(zip_t* zip, zip_uint64_t index, const fs::path& path, std::uint64_t& budget,
                  const PackageLimits& limits) {
    // O_NOFOLLOW and O_EXCL: an earlier entry may have planted a link of this name.
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? Status(not_a_zip())
                               : unexpected(errno_error("creating " + path.string(), errno));
    auto written = read_entry(zip, index, budget, limits, [&](std::string_view bytes) -> Status {
        while (!bytes.empty()) {
            const auto n = ::write(fd, bytes.data(), bytes.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return unexpected(errno_error("writing " + path.string(), errno));
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return ok();
    });
    if (written && ::fchmod(fd, (mode_of(zip, index) & 0755) | 0444) != 0)
        written = unexpected(errno_error("chmod of " + path.string(), errno));
    ::close(fd);
    return written;
}

using Link = std::pair<fs::path, std::string>;  // its name in the package, where it leads

Status unpack_entry(zip_t* zip, zip_uint64_t index, const fs::path& folder, std::uint64_t& budget,
                    const PackageLimits& limits, std::vector<Link>& links) {
    const char* raw = zip_get_name(zip, index, 0);
    if (raw == nullptr || !stays_inside(raw)) return not_a_zip();
    const fs::path name(raw);
    const auto path = folder / name;
    std::error_code error;
    const bool is_folder = std::string_view(raw).ends_with('/');
    fs::create_directories(is_folder ? path : path.parent_path(), error);
    if (error)
        return error == std::errc::not_a_directory || error == std::errc::file_exists
                   ? Status(not_a_zip())
                   : fail(Errc::internal, "creating " + path.string() + ": " + error.message());
    if (is_folder) return ok();
    if (!S_ISLNK(mode_of(zip, index))) return write_file(zip, index, path, budget, limits);
    std::string target;
    auto read = read_entry(zip, index, budget, limits, [&](std::string_view bytes) -> Status {
        target.append(bytes);
        return ok();
    });
    if (!read) return read;
    if (target.empty() || target.size() >= 4096 || target.find('\0') != std::string::npos) return not_a_zip();
    links.emplace_back(name, std::move(target));
    return ok();
}

Status unpack_all(zip_t* zip, const fs::path& folder, const PackageLimits& limits) {
    const auto entries = zip_get_num_entries(zip, 0);
    if (entries <= 0) return lambda_fault(Fault::invalid_parameter, "Uploaded file must be a non-empty zip");
    auto budget = limits.unzipped;
    std::vector<Link> links;  // made last, so that no entry is written through one
    for (zip_int64_t i = 0; i < entries; ++i)
        if (auto s = unpack_entry(zip, static_cast<zip_uint64_t>(i), folder, budget, limits, links); !s)
            return s;
    for (const auto& [name, target] : links) {
        std::error_code error;
        fs::create_symlink(target, folder / name, error);
        if (error) return not_a_zip();
    }
    LinkWalk walk(folder);  // when all are there, as each may lead through others
    for (const auto& [name, target] : links)
        if (!walk.stays_inside(name))
            return lambda_fault(Fault::invalid_parameter,
                                "Could not unzip uploaded file: a link in it leads out of it, or in circles.");
    return ok();
}

}  // namespace

Status unpack(std::string_view bytes, const fs::path& folder, const PackageLimits& limits) {
    if (bytes.size() > limits.zipped)
        return lambda_fault(Fault::request_too_large,
                            "Zipped size must be smaller than " + std::to_string(limits.zipped) + " bytes");
    const auto zip = open_zip(bytes);
    if (!zip) return not_a_zip();
    auto unfinished = folder;
    unfinished += ".part";
    std::error_code error;
    fs::remove_all(unfinished, error);
    if (!error) fs::create_directories(unfinished, error);
    if (error) return fail(Errc::internal, "creating " + unfinished.string() + ": " + error.message());
    auto done = unpack_all(zip.get(), unfinished, limits);
    if (done) {
        fs::rename(unfinished, folder, error);
        if (error) done = fail(Errc::internal, "renaming to " + folder.string() + ": " + error.message());
    }
    if (!done) fs::remove_all(unfinished, error);
    return done;
}

}  // namespace autotune::host
