// A test-only module: what a new token cannot do without. Each request to
//
//     location / { oauth_verify_probe RS256; proxy_pass ...; }
//
// has OpenSSL check one signature of that kind over 600 bytes (SHA-256 and verification, contexts
// kept) before it goes on. `./build.sh bench` measures what a new token costs beside that: also in
// how the processes around it wait for each other, which a bare loop of verifications does not.
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>

#include "ngx/nginx.hpp"

extern "C" {
extern ngx_module_t ngx_http_oauth_verify_probe_module;
}

namespace oauth {
namespace {

const std::string kMessage(600, 'm');

struct Signed {
  Signed(EVP_PKEY* made, int padding) : key(made, EVP_PKEY_free), context(nullptr, nullptr) {
    context = {EVP_PKEY_CTX_new(made, nullptr), EVP_PKEY_CTX_free};
    const std::string digest = digest_of(kMessage);
    std::size_t size = 0;
    good = EVP_PKEY_sign_init(context.get()) == 1 && set(padding) &&
           EVP_PKEY_sign(context.get(), nullptr, &size, bytes(digest), digest.size()) == 1;
    signature.resize(size);
    auto* to = reinterpret_cast<unsigned char*>(signature.data());
    good = good && EVP_PKEY_sign(context.get(), to, &size, bytes(digest), digest.size()) == 1 &&
           EVP_PKEY_verify_init(context.get()) == 1 && set(padding);
    signature.resize(size);
  }
  bool check() {
    const std::string digest = digest_of(kMessage);
    return good && EVP_PKEY_verify(context.get(), bytes(signature), signature.size(), bytes(digest),
                                   digest.size()) == 1;
  }

 private:
  static const unsigned char* bytes(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }
  static std::string digest_of(const std::string& text) {
    std::string digest(32, '\0');
    EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr,
               EVP_sha256(), nullptr);
    return digest;
  }
  bool set(int padding) {
    return EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
           (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(context.get(), padding) == 1);
  }

  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key;
  std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context;
  std::string signature;
  bool good = false;
};

struct Conf {
  Signed* signature = nullptr;
};

Conf& conf_of(ngx_http_request_t* r) {
  return *static_cast<Conf*>(ngx_http_get_module_loc_conf(r, ngx_http_oauth_verify_probe_module));
}

ngx_int_t handle(ngx_http_request_t* r) {
  Signed* signature = conf_of(r).signature;
  return signature == nullptr || signature->check() ? NGX_DECLINED : NGX_HTTP_FORBIDDEN;
}

void* create(ngx_conf_t* cf) {
  return make_in<Conf>(cf->pool);
}

char* set_probe(ngx_conf_t* cf, ngx_command_t*, void* conf) {
  const bool is_rsa = view(static_cast<ngx_str_t*>(cf->args->elts)[1]) == "RS256";
  EVP_PKEY* key = is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  static_cast<Conf*>(conf)->signature =
      make_in<Signed>(cf->pool, key, is_rsa ? RSA_PKCS1_PADDING : 0);
  return NGX_CONF_OK;
}

ngx_int_t postconfigure(ngx_conf_t* cf) {
  auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  auto* slot = static_cast<ngx_http_handler_pt*>(
      ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers));
  if (slot == nullptr) {
    return NGX_ERROR;
  }
  *slot = handle;
  return NGX_OK;
}

ngx_command_t commands[] = {{ngx_string("oauth_verify_probe"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
                             set_probe, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
                            ngx_null_command};

ngx_http_module_t context = {nullptr, postconfigure, nullptr, nullptr,
                             nullptr, nullptr,       create,  nullptr};

}  // namespace
}  // namespace oauth

extern "C" {
ngx_module_t ngx_http_oauth_verify_probe_module = {
    NGX_MODULE_V1, &oauth::context, oauth::commands, NGX_HTTP_MODULE,
    nullptr,       nullptr,         nullptr,         nullptr,
    nullptr,       nullptr,         nullptr,         NGX_MODULE_V1_PADDING};
}
