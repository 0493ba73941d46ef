// A test-only module: store and document verbs over HTTP, one verb a request.
//
//     store_probe_store shm:probe:1m;      # http: what oauth_store takes
//     store_probe_revocations;             # http: it has a list of the revoked, too
//     store_probe_keys;                    # http, behind it: with keys that no other node has
//     store_probe_documents 1m;            # http: what oauth_cache_zone takes
//     location /p { store_probe; }
//
// GET /p?verb=put&share=codes&name=HEX&value=HEX&expires=60 answers 200 with `done`, `value HEX` or
// the problem's name; X-Worker is the worker's pid. Times are offsets from now, in seconds, but for
// `until`, which is a time and stands for `expires` where two requests mean the same; `name`
// may be HEX,HEX,... for take. `revoke` makes a mark of the name; `judge` says what this worker
// knows of it, as a token's and as a sign-in's; `fill=N` puts so many others on this machine's
// list. `verb=slot` tells the slot of a name in a Redis cluster. `verb=die` kills the worker while
// it holds the lock of the shared memory and its indexes are destroyed.
#include <charconv>
#include <cstring>

#include "ngx/documents.hpp"
#include "ngx/redis_slots.hpp"
#include "ngx/revocations.hpp"
#include "ngx/shm_store.hpp"
#include "oauth/base/secret.hpp"
#include "oauth/base/text.hpp"
#include "oauth/jose/jwk.hpp"

extern "C" {
extern ngx_module_t ngx_http_oauth_store_probe_module;
}

namespace {

using namespace oauth;

struct MainConf {
  StoreBackend* store;
  DocumentZone* documents;
  RevocationZone* revocations;
};

// One request's question, decoded.
struct Ask {
  std::string verb;
  Share share = Share::codes;
  std::vector<std::string> names;
  std::string value;
  std::string expected;
  std::string url;
  std::int64_t issued = 0;
  std::int64_t expires = 0;
  std::size_t fill = 0;
};

std::string hex(const Form& form, std::string_view name) {
  return hex_decode(form.get(name)).value_or("");
}

std::int64_t number(const Form& form, std::string_view name) {
  const std::string_view text = form.get(name);
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Ask decode(const Form& form) {
  Ask ask;
  ask.verb = form.get("verb");
  const std::string_view share = form.get("share");
  ask.share = share == "grants"     ? Share::grants
              : share == "counters" ? Share::counters
                                    : Share::codes;
  for (std::string_view name : split_words(form.get("name"), ',')) {
    ask.names.push_back(hex_decode(name).value_or(""));
  }
  if (ask.names.empty()) {
    ask.names.emplace_back();
  }
  ask.value = hex(form, "value");
  ask.expected = hex(form, "expected");
  ask.url = form.get("url");
  ask.issued = ngx_time() + number(form, "issued");
  ask.expires =
      form.get("until").empty() ? ngx_time() + number(form, "expires") : number(form, "until");
  ask.fill = static_cast<std::size_t>(number(form, "fill"));
  return ask;
}

std::string told(const Check& check) {
  return std::string(check ? std::string_view("done") : name(check.problem()));
}

std::string told(const Result<std::string>& value) {
  return value ? "value " + hex_encode(*value) : std::string(name(value.problem()));
}

std::string told(const Result<std::vector<std::int64_t>>& counts) {
  if (!counts) {
    return std::string(name(counts.problem()));
  }
  std::string text = "counts";
  for (const std::int64_t count : *counts) {
    text += " " + std::to_string(count);
  }
  return text;
}

RevocationMark mark_of(std::string_view name) {
  RevocationMark mark;
  std::memcpy(mark.data(), shm_key(name).data(), sizeof(mark));
  return mark;
}

Verdict verdict_of(std::string body) {
  Reply reply;
  reply.content_type = "text/plain";
  reply.body = std::move(body);
  Verdict verdict;
  verdict.reply = std::move(reply);
  return verdict;
}

Task<Verdict> ask_store(std::unique_ptr<Store> store, Ask ask) {
  const std::string& name = ask.names.front();
  if (ask.verb == "claim") {
    auto check = co_await store->claim(name, ask.issued, ask.expires);
    co_return verdict_of(told(check));
  }
  if (ask.verb == "take") {
    auto value = co_await store->take(ask.share, ask.names);
    co_return verdict_of(told(value));
  }
  if (ask.verb == "put") {
    auto check = co_await store->put(ask.share, name, ask.value, ask.expires);
    co_return verdict_of(told(check));
  }
  if (ask.verb == "get") {
    auto value = co_await store->get(ask.share, name);
    co_return verdict_of(told(value));
  }
  if (ask.verb == "drop") {
    auto check = co_await store->drop(ask.share, name);
    co_return verdict_of(told(check));
  }
  if (ask.verb == "swap") {
    auto check = co_await store->swap(ask.share, name, ask.expected, ask.value, ask.expires);
    co_return verdict_of(told(check));
  }
  if (ask.verb == "count") {
    std::vector<Store::Counter> counters;
    for (const std::string& counter : ask.names) {
      counters.push_back(Store::Counter{counter, ask.expires});
    }
    auto counts = co_await store->count(counters);
    co_return verdict_of(told(counts));
  }
  if (ask.verb == "revoke") {
    const RevocationMark mark = mark_of(name);
    auto check = co_await store->revoke(mark, ask.expires);
    co_return verdict_of(told(check));
  }
  co_return verdict_of(store->known_down() ? "down" : "up");
}

// Whatever the age of the list.
std::string judge(const RevocationZone& zone, const Ask& ask) {
  const RevocationMark mark = mark_of(ask.names.front());
  const SharedRevocations known(&zone, {30, true});
  return told(known.check(mark, kNoMark)) + ' ' + told(known.check(kNoMark, mark));
}

std::string fill(const RevocationZone& zone, const Ask& ask) {
  std::size_t done = 0;
  for (std::size_t i = 0; i < ask.fill; i++) {
    done += zone.learn(mark_of("fill " + std::to_string(i)), ask.expires) ? 1U : 0U;
  }
  return std::to_string(done);
}

std::string ask_documents(Documents& documents, const Ask& ask) {
  const std::int64_t now = ask.issued;
  if (ask.verb == "find") {
    const auto found = documents.find(ask.url);
    return found ? std::to_string(found->body.size()) + " " + found->body.substr(0, 40) + " " +
                       std::to_string(found->fetched - ngx_time())
                 : "none";
  }
  if (ask.verb == "lease") {
    switch (documents.lease(ask.url, now, ask.expires - ngx_time())) {
      case Documents::Lease::granted:
        return "granted";
      case Documents::Lease::held:
        return "held";
      case Documents::Lease::cooling:
        return "cooling";
    }
  }
  if (ask.verb == "keep") {
    documents.keep(ask.url, ask.fill > 0 ? std::string(ask.fill, 'x') : ask.value, now);
    return "kept";
  }
  documents.fail(ask.url, ask.expires);
  return "failed";
}

// As a crash in the middle of a write: the lock is held, the indexes are gone.
void die(StoreBackend* backend) {
  auto* shm = static_cast<ShmStoreBackend*>(backend);
  const ShmStoreBackend::Lock held(shm->pool(), shm->root());
  shm->root().claims.forget_index();
  for (ShmTable& table : shm->root().tables) {
    table.forget_index();
  }
  (void)raise(SIGKILL);
}

ngx_int_t send(ngx_http_request_t* r, const std::string& body) {
  const std::string worker = std::to_string(ngx_pid);
  auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  ngx_buf_t* out = ngx_create_temp_buf(r->pool, body.size() + 1);
  if (header == nullptr || out == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  ngx_memzero(header, sizeof(*header));
  header->hash = 1;
  ngx_str_set(&header->key, "X-Worker");
  header->value = pool_copy(r->pool, worker);
  out->last = ngx_cpymem(out->last, body.data(), body.size());
  out->last_buf = 1;
  r->headers_out.status = NGX_HTTP_OK;
  r->headers_out.content_length_n = static_cast<off_t>(body.size());
  const ngx_int_t rc = ngx_http_send_header(r);
  if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
    return rc;
  }
  ngx_chain_t chain{out, nullptr};
  return ngx_http_output_filter(r, &chain);
}

void resume(ngx_http_request_t* r) {
  if (const Verdict* verdict = Flow::find(r)->advance(); verdict != nullptr) {
    ngx_http_finalize_request(
        r, verdict->reply ? send(r, verdict->reply->body) : NGX_HTTP_INTERNAL_SERVER_ERROR);
  }
}

ngx_int_t handle(ngx_http_request_t* r) {
  auto* conf =
      static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_oauth_store_probe_module));
  const auto form = Form::parse(view(r->args));
  if (ngx_http_discard_request_body(r) != NGX_OK || !form) {
    return NGX_HTTP_BAD_REQUEST;
  }
  Ask ask = decode(*form);
  if (!ask.url.empty()) {
    return send(r, ask_documents(documents_of(*conf->documents), ask));
  }
  if (ask.verb == "slot") {
    return send(r, std::to_string(redis_slot(ask.names.front())));
  }
  if (ask.verb == "die") {
    die(conf->store);
  }
  if (ask.verb == "judge") {
    return send(r, judge(*conf->revocations, ask));
  }
  if (ask.verb == "fill") {
    return send(r, fill(*conf->revocations, ask));
  }
  Flow* flow = Flow::create(r);
  if (flow == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  flow->start(ask_store(conf->store->open(*flow), std::move(ask)));
  r->main->count++;
  r->write_event_handler = resume;
  resume(r);
  return NGX_DONE;
}

// ---- the module
// -----------------------------------------------------------------------------------

void* create_main(ngx_conf_t* cf) {
  return ngx_pcalloc(cf->pool, sizeof(MainConf));
}

MainConf* main_of(ngx_cycle_t* cycle) {
  return static_cast<MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_oauth_store_probe_module));
}

char* set_store(ngx_conf_t* cf, ngx_command_t*, void* conf) {
  auto* main = static_cast<MainConf*>(conf);
  main->store = make_store(cf, *cf->args);
  return main->store == nullptr ? static_cast<char*>(NGX_CONF_ERROR) : NGX_CONF_OK;
}

// As with a broker: a journal where the store is this machine's alone.
char* set_revocations(ngx_conf_t* cf, ngx_command_t*, void* conf) {
  auto* main = static_cast<MainConf*>(conf);
  ngx_str_t journal = ngx_string("revoked");
  if (main->store->is_remote()) {
    journal.len = 0;
  } else if (ngx_conf_full_name(cf->cycle, &journal, 0) != NGX_OK) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  main->revocations = RevocationZone::make(cf, std::string(view(journal)));
  if (main->revocations == nullptr) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  main->store->keep(*main->revocations);
  return NGX_CONF_OK;
}

char* set_keys(ngx_conf_t*, ngx_command_t*, void* conf) {
  const auto random = random_bytes(32);
  std::vector<Secret> secrets;
  secrets.emplace_back(random ? *random : "");
  auto keyring = Keyring::make(secrets);
  auto signing = Key::generate_es256();
  if (!keyring || !signing) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  static_cast<MainConf*>(conf)->store->keep(
      std::make_shared<const Keyring>(*std::move(keyring)),
      std::make_shared<const KeySet>(std::vector<Key>{signing->with_kid(signing->thumbprint())}));
  return NGX_CONF_OK;
}

char* set_documents(ngx_conf_t* cf, ngx_command_t*, void* conf) {
  auto* main = static_cast<MainConf*>(conf);
  auto* words = static_cast<ngx_str_t*>(cf->args->elts);
  const ssize_t bytes = ngx_parse_size(&words[1]);
  main->documents = make_document_zone(cf, static_cast<std::size_t>(bytes));
  return main->documents == nullptr ? static_cast<char*>(NGX_CONF_ERROR) : NGX_CONF_OK;
}

char* set_probe(ngx_conf_t* cf, ngx_command_t*, void*) {
  auto* location = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  location->handler = handle;
  return NGX_CONF_OK;
}

ngx_int_t init_worker(ngx_cycle_t* cycle) {
  MainConf* conf = main_of(cycle);
  return conf == nullptr || conf->store == nullptr ? NGX_OK : conf->store->init_worker(cycle);
}

void exit_worker(ngx_cycle_t* cycle) {
  if (MainConf* conf = main_of(cycle); conf != nullptr && conf->store != nullptr) {
    conf->store->exit_worker(cycle);
  }
}

ngx_command_t commands[] = {
    {ngx_string("store_probe_store"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE, set_store,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("store_probe_revocations"), NGX_HTTP_MAIN_CONF | NGX_CONF_NOARGS, set_revocations,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("store_probe_keys"), NGX_HTTP_MAIN_CONF | NGX_CONF_NOARGS, set_keys,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("store_probe_documents"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_documents,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("store_probe"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_probe,
     NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    ngx_null_command};

ngx_http_module_t context = {nullptr, nullptr, create_main, nullptr,
                             nullptr, nullptr, nullptr,     nullptr};

}  // namespace

extern "C" {
ngx_module_t ngx_http_oauth_store_probe_module = {
    NGX_MODULE_V1, &context, commands, NGX_HTTP_MODULE, nullptr, nullptr,
    init_worker,   nullptr,  nullptr,  exit_worker,     nullptr, NGX_MODULE_V1_PADDING};
}
