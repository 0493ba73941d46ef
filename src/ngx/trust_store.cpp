#include "ngx/trust_store.hpp"

#include <climits>
#include <cstdlib>
#include <memory>

#include <unistd.h>

#include "ngx/nginx.hpp"

namespace oauth {

std::string find_trust_store() {
  const char* chosen = std::getenv(X509_get_default_cert_file_env());
  const char* files[] = {X509_get_default_cert_file(), "/etc/ssl/certs/ca-certificates.crt",
                         "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                         "/etc/ssl/cert.pem"};
  const auto absolute = [](const char* file) -> std::string {
    const std::unique_ptr<char, decltype(&std::free)> path(realpath(file, nullptr), std::free);
    return path && access(path.get(), R_OK) == 0 ? path.get() : "";
  };
  if (chosen != nullptr) {
    return absolute(chosen);  // one that cannot be read trusts nobody
  }
  for (const char* file : files) {
    std::string path = absolute(file);
    if (!path.empty()) {
      return path;
    }
  }
  return {};
}

}  // namespace oauth
