// A test-only module: what redeeming a code cannot do without. Each request to
//
//     location = /floor { oauth_redeem_probe; }
//
// takes the code that its query names from the store of `oauth_store` by one command, signs 600
// bytes with ES256 (SHA-256 and signature, contexts kept) and answers 200 with an empty body; 404
// where there is no such code. `./build.sh bench` measures what `/token` costs beside that.
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <memory>
#include <string>

#include "ngx/conf.hpp"
#include "ngx/run.hpp"

extern "C" {
extern ngx_module_t ngx_http_oauth_redeem_probe_module;
}

namespace oauth {
namespace {

const std::string kMessage(600, 'm');

class Signer {
 public:
  Signer()
      : sha256_(EVP_MD_fetch(nullptr, "SHA2-256", nullptr), EVP_MD_free),
        key_(EVP_EC_gen("P-256"), EVP_PKEY_free),
        context_(nullptr, EVP_PKEY_CTX_free) {
    context_.reset(EVP_PKEY_CTX_new(key_.get(), nullptr));
    good_ = EVP_PKEY_sign_init(context_.get()) == 1 && sha256_ != nullptr &&
            EVP_PKEY_CTX_set_signature_md(context_.get(), sha256_.get()) == 1;
  }
  bool sign() {
    unsigned char digest[32];
    unsigned char signature[80];
    std::size_t size = sizeof(signature);
    return good_ &&
           EVP_Digest(kMessage.data(), kMessage.size(), digest, nullptr, sha256_.get(), nullptr) ==
               1 &&
           EVP_PKEY_sign(context_.get(), signature, &size, digest, sizeof(digest)) == 1;
  }

 private:
  std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> sha256_;
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
  std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context_;
  bool good_ = false;
};

struct Conf {
  Signer* signer = nullptr;
};

Task<Verdict> redeem(std::unique_ptr<Store> store, std::string name, Signer* signer) {
  const std::vector<std::string> names{std::move(name)};
  auto value = co_await store->take(Share::codes, names);
  Verdict verdict;
  verdict.reply = Reply();
  verdict.reply->status = !value           ? NGX_HTTP_NOT_FOUND
                          : signer->sign() ? NGX_HTTP_OK
                                           : NGX_HTTP_INTERNAL_SERVER_ERROR;
  co_return verdict;
}

void resume(ngx_http_request_t* r) {
  const Verdict* verdict = Flow::find(r)->advance();
  if (verdict == nullptr) {
    return;
  }
  ngx_str_t type = ngx_string("text/plain");
  ngx_http_complex_value_t empty{};
  const auto status = verdict->reply ? static_cast<ngx_uint_t>(verdict->reply->status)
                                     : NGX_HTTP_INTERNAL_SERVER_ERROR;
  ngx_http_finalize_request(r, ngx_http_send_response(r, status, &type, &empty));
}

ngx_int_t handle(ngx_http_request_t* r) {
  if (ngx_http_discard_request_body(r) != NGX_OK) {
    return NGX_HTTP_BAD_REQUEST;
  }
  Flow* flow = Flow::create(r);
  if (flow == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  auto* conf =
      static_cast<Conf*>(ngx_http_get_module_loc_conf(r, ngx_http_oauth_redeem_probe_module));
  flow->start(redeem(main_conf(r).store->open(*flow), std::string(view(r->args)), conf->signer));
  r->main->count++;
  r->write_event_handler = resume;
  resume(r);
  return NGX_DONE;
}

void* create(ngx_conf_t* cf) {
  return make_in<Conf>(cf->pool);
}

char* set_probe(ngx_conf_t* cf, ngx_command_t*, void* conf) {
  auto* location = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  location->handler = handle;
  static_cast<Conf*>(conf)->signer = make_in<Signer>(cf->pool);
  return NGX_CONF_OK;
}

ngx_command_t commands[] = {{ngx_string("oauth_redeem_probe"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
                             set_probe, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
                            ngx_null_command};

ngx_http_module_t context = {nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, create, nullptr};

}  // namespace
}  // namespace oauth

extern "C" {
ngx_module_t ngx_http_oauth_redeem_probe_module = {
    NGX_MODULE_V1, &oauth::context, oauth::commands, NGX_HTTP_MODULE,
    nullptr,       nullptr,         nullptr,         nullptr,
    nullptr,       nullptr,         nullptr,         NGX_MODULE_V1_PADDING};
}
