#include "tests/host/control/support.hpp"

#include <zip.h>

#include <cstdlib>

namespace autotune::host {

std::string a_zip(const std::vector<ZipItem>& items) {
    auto* buffer = zip_source_buffer_create(nullptr, 0, 0, nullptr);
    zip_source_keep(buffer);
    auto* zip = zip_open_from_source(buffer, ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    if (zip == nullptr) std::abort();
    for (const auto& item : items) {
        auto* content = zip_source_buffer(zip, item.bytes.data(), item.bytes.size(), 0);
        const auto index = zip_file_add(zip, item.name.c_str(), content, ZIP_FL_ENC_UTF_8);
        if (index < 0) std::abort();
        zip_file_set_external_attributes(zip, static_cast<zip_uint64_t>(index), 0, ZIP_OPSYS_UNIX,
                                         item.mode << 16);
    }
    if (zip_close(zip) != 0) std::abort();
    zip_source_open(buffer);
    zip_source_seek(buffer, 0, SEEK_END);
    std::string bytes(static_cast<std::size_t>(zip_source_tell(buffer)), '\0');
    zip_source_seek(buffer, 0, SEEK_SET);
    zip_source_read(buffer, bytes.data(), bytes.size());
    zip_source_close(buffer);
    zip_source_free(buffer);
    return bytes;
}

}  // namespace autotune::host
