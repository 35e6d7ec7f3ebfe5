// pack(): a folder becomes a zip.
#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "host/control/package.hpp"

namespace autotune::host {
namespace {

namespace fs = std::filesystem;

struct Item {
    std::string name;
    std::string bytes;  // libzip reads them when the archive is closed
    mode_t mode = 0;
};

Result<std::vector<Item>> collect(const fs::path& folder, std::string_view leave_out) try {
    std::vector<Item> items;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        auto name = entry.path().lexically_relative(folder).generic_string();
        if (name == leave_out || name.find("__pycache__") != std::string::npos) continue;
        struct stat status {};
        if (::lstat(entry.path().c_str(), &status) != 0) continue;  // gone meanwhile
        Item item{std::move(name), {}, status.st_mode};
        if (S_ISLNK(status.st_mode)) {
            item.bytes = fs::read_symlink(entry.path()).string();
        } else if (S_ISREG(status.st_mode)) {
            std::ifstream file(entry.path(), std::ios::binary);
            std::ostringstream text;
            text << file.rdbuf();
            if (!file) return fail(Errc::unavailable, "reading " + entry.path().string());
            item.bytes = std::move(text).str();
        } else {
            continue;  // folders come with their files; sockets and devices are no code
        }
        items.push_back(std::move(item));
    }
    return items;
} catch (const fs::filesystem_error& error) {
    return fail(Errc::unavailable, std::string("packing ") + folder.string() + ": " + error.code().message());
}

Unexpected zip_failure(zip_error_t* error) {
    return fail(Errc::internal, std::string("packing: ") + zip_error_strerror(error));
}

bool add(zip_t* zip, const Item& item) {
    auto* content = zip_source_buffer(zip, item.bytes.data(), item.bytes.size(), 0);
    if (content == nullptr) return false;
    const auto index = zip_file_add(zip, item.name.c_str(), content, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(content);
        return false;
    }
    const auto at = static_cast<zip_uint64_t>(index);
    constexpr time_t long_ago = 315'619'200;  // 1980-01-02: the first day that zip knows in every time zone
    return zip_file_set_mtime(zip, at, long_ago, 0) == 0 &&
           zip_file_set_external_attributes(zip, at, 0, ZIP_OPSYS_UNIX,
                                            static_cast<zip_uint32_t>(item.mode) << 16) == 0;
}

std::string take(zip_source_t* buffer) {
    std::string bytes;
    if (zip_source_open(buffer) != 0) return bytes;
    zip_source_seek(buffer, 0, SEEK_END);
    bytes.resize(static_cast<std::size_t>(std::max<zip_int64_t>(0, zip_source_tell(buffer))));
    zip_source_seek(buffer, 0, SEEK_SET);
    if (zip_source_read(buffer, bytes.data(), bytes.size()) < 0) bytes.clear();
    zip_source_close(buffer);
    return bytes;
}

Result<std::string> pack_items(std::vector<Item> items) {
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.name < b.name; });
    zip_error_t error;
    zip_error_init(&error);
    auto* buffer = zip_source_buffer_create(nullptr, 0, 0, &error);
    if (buffer == nullptr) return zip_failure(&error);
    zip_source_keep(buffer);  // one reference goes to the archive, one stays here
    Result<std::string> packed = fail(Errc::internal, "packing");
    if (auto* zip = zip_open_from_source(buffer, ZIP_CREATE | ZIP_TRUNCATE, &error); zip == nullptr) {
        zip_source_free(buffer);
        packed = zip_failure(&error);
    } else if (!std::all_of(items.begin(), items.end(), [&](const Item& item) { return add(zip, item); }) ||
               zip_close(zip) != 0) {
        packed = zip_failure(zip_get_error(zip));
        zip_discard(zip);
    } else {
        packed = take(buffer);
    }
    zip_source_free(buffer);
    zip_error_fini(&error);
    return packed;
}

}  // namespace

Result<std::string> pack(const fs::path& folder, std::string_view leave_out) {
    auto items = collect(folder, leave_out);
    if (!items) return items.forward();
    if (items->empty()) return fail(Errc::invalid_argument, folder.string() + " holds no code");
    auto packed = pack_items(*std::move(items));
    return packed ? packed : packed.forward(folder.string());
}

Result<std::string> pack(const std::vector<std::pair<std::string, std::string>>& files, const std::vector<FolderAt>& folders,
                         std::string_view leave_out) {
    std::vector<Item> items;
    for (const auto& [name, bytes] : files) items.push_back({name, bytes, S_IFREG | 0644});
    for (const auto& [folder, at] : folders) {
        auto found = collect(folder, leave_out);
        if (!found) return found.forward();
        for (Item& item : *found) items.push_back({at + item.name, std::move(item.bytes), item.mode});
    }
    return pack_items(std::move(items));
}

}  // namespace autotune::host
