// Whom OpenSSL itself would trust.
#pragma once

#include <string>

namespace oauth {

// An absolute path that can be read, or nothing. nginx's modules take a file, not the folder that
// most distributions give OpenSSL, so theirs are looked for where they are.
std::string find_trust_store();

}  // namespace oauth
