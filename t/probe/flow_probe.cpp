// Runs coroutines of the real runtime over the real ports, as a test scripts them:
//
//     oauth_flow_probe_broker /base [limit=N];    server: makes the fetch location
//     oauth_flow_probe STEP...;                   location: in the access phase
//     oauth_flow_probe_content [body=N] STEP...;  location: as content, after reading the body
//     oauth_flow_probe_status;                    location: frames alive, flows started, ended
//
// A STEP is VERB:ARGUMENT, the argument with variables: get:URL, post:URL (a form, with
// credentials), odd:URL (a header that the location does not know), own:URL (by a location of the
// user's), twice:URL (a header twice), break:URL (one that would end its line), pause:MS, nested:MS
// (the same two coroutines deeper), throw:WHAT, echo:BODY, peek:VARIABLE, hosts:"NAME TEXT" and
// nameservers:TEXT (of /etc/hosts and resolv.conf), and over the store claim:NAME, put:NAME,
// take:NAME. The content handler answers with one line a step.
#include <string>
#include <vector>

#include "ngx/body.hpp"
#include "ngx/clock.hpp"
#include "ngx/fetch.hpp"
#include "ngx/made_location.hpp"
#include "ngx/run.hpp"
#include "ngx/store.hpp"

extern "C" {
extern ngx_module_t ngx_http_oauth_flow_probe_module;
}

namespace oauth {
namespace {

struct Counters {
  ngx_int_t frames = 0;
  ngx_int_t started = 0;
  ngx_int_t ended = 0;
} counters;

// Lives in every frame: what is left of these when all clients are gone is a leak.
struct Alive {
  Alive() noexcept { counters.frames++; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  ~Alive() { counters.frames--; }
};

struct Step {
  std::string verb;
  std::string argument;
};

struct StepConf {
  std::string verb;
  ngx_http_complex_value_t argument;
  ngx_int_t peeked;  // peek: the variable's index
};

struct MainConf {
  StoreBackend* store = nullptr;
};

struct ServerConf {
  FetchPlan plan;
};

struct LocationConf {
  std::vector<StepConf> steps;
  bool is_content = false;
  std::size_t max_body = 65536;
};

template <class T>
T* server_conf(ngx_http_request_t* r) {
  return static_cast<T*>(ngx_http_get_module_srv_conf(r, ngx_http_oauth_flow_probe_module));
}

LocationConf* location_conf(ngx_http_request_t* r) {
  return static_cast<LocationConf*>(
      ngx_http_get_module_loc_conf(r, ngx_http_oauth_flow_probe_module));
}

std::string describe(const Result<FetchReply>& reply) {
  if (!reply) {
    return std::string(name(reply.problem()));
  }
  return std::to_string(reply->status) + " " + reply->content_type + " " +
         std::to_string(reply->body.size()) + " " + reply->body.substr(0, 4096);
}

std::string describe(const Check& check) {
  return check ? "done" : std::string(name(check.problem()));
}

std::string describe(const Result<std::string>& value) {
  return value ? "value " + *value : std::string(name(value.problem()));
}

FetchRequest request_of(const Step& step) {
  FetchRequest request;
  request.provider = "probe";
  request.url = step.argument;
  request.headers.push_back({"Accept", "application/json"});
  request.headers.push_back({"User-Agent", "probe"});
  if (step.verb == "post") {
    request.method = "POST";
    request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    request.headers.push_back({"Authorization", "Basic c2VjcmV0"});
    request.body = "grant_type=authorization_code&code=c0de";
  }
  if (step.verb == "odd") {
    request.headers.push_back({"X-Odd", "1"});
  } else if (step.verb == "twice") {
    request.headers.push_back({"accept", "text/html"});
  } else if (step.verb == "break") {
    request.headers.push_back({"Authorization", "Bearer x\r\nX-Odd: 1"});
  } else if (step.verb == "own") {
    request.location = "/own";
  }
  return request;
}

Task<std::string> sleep_deeper(NginxClock& clock, std::int64_t milliseconds) {
  const Alive alive;
  const auto before = clock.now_ms();
  co_await clock.pause(milliseconds);
  co_return clock.now_ms() >= before ? "slept" : "the clock ran backwards";
}

Task<std::string> sleep_nested(NginxClock& clock, std::int64_t milliseconds) {
  const Alive alive;
  auto text = co_await sleep_deeper(clock, milliseconds);
  co_return text + " deeply";
}

Task<std::string> use_store(Store& store, NginxClock& clock, const Step& step) {
  const Alive alive;
  const std::int64_t expires = clock.now() + 60;
  const std::vector<std::string> names{step.argument};
  if (step.verb == "claim") {
    auto claimed = co_await store.claim(step.argument, clock.now(), expires);
    co_return describe(claimed);
  }
  if (step.verb == "put") {
    auto put = co_await store.put(Share::codes, step.argument, step.argument, expires);
    co_return describe(put);
  }
  auto taken = co_await store.take(Share::codes, names);
  co_return describe(taken);
}

// A variable as nginx has it in store, without asking for it anew.
std::string peek(ngx_http_request_t* r, const Step& step) {
  for (const StepConf& conf : location_conf(r)->steps) {
    if (conf.verb == "peek" && view(conf.argument.value) == step.argument) {
      const ngx_http_variable_value_t& value = r->variables[conf.peeked];
      return value.valid ? "[" + std::string(reinterpret_cast<char*>(value.data), value.len) + "]"
                         : "[]";
    }
  }
  return "no such variable";
}

std::string look_up(const Step& step) {
  const std::string_view text = step.argument;
  if (step.verb == "hosts") {
    const std::size_t space = text.find(' ');
    const Hosts hosts = Hosts::parse(text.substr(space + 1));
    return "[" + std::string(hosts.find(text.substr(0, space))) + "]";
  }
  std::string out;
  for (const std::string& server : parse_nameservers(text)) {
    out += "[" + server + "]";
  }
  return out;
}

Task<std::string> run_step(Flow& flow, const FetchPlan& plan, Store* store, const Step& step) {
  const Alive alive;
  NginxClock clock(flow);
  SubrequestFetch fetch(flow, plan);
  if (step.argument.find("://") != std::string::npos || step.verb == "get") {
    const FetchRequest request = request_of(step);
    auto reply = co_await fetch.send(request);
    co_return describe(reply);
  }
  if (step.verb == "pause") {
    auto slept = co_await sleep_deeper(clock, std::strtoll(step.argument.c_str(), nullptr, 10));
    co_return slept;
  }
  if (step.verb == "nested") {
    auto slept = co_await sleep_nested(clock, std::strtoll(step.argument.c_str(), nullptr, 10));
    co_return slept;
  }
  if (step.verb == "peek") {
    co_return peek(flow.request(), step);
  }
  if (step.verb == "hosts" || step.verb == "nameservers") {
    co_return look_up(step);
  }
  if (step.verb == "throw") {
    throw std::bad_alloc();
  }
  if (store != nullptr) {
    auto text = co_await use_store(*store, clock, step);
    co_return text;
  }
  co_return "no such step";
}

Task<Verdict> run_script(Flow& flow, const FetchPlan& plan, StoreBackend* backend,
                         std::vector<Step> steps, std::string body) {
  const Alive alive;
  counters.started++;
  const auto store = backend == nullptr ? nullptr : backend->open(flow);
  Verdict verdict;
  verdict.reply.emplace();
  verdict.reply->content_type = "text/plain";
  verdict.reply->body = "body " + std::to_string(body.size()) + "\n";
  for (const Step& step : steps) {
    if (step.verb == "echo") {
      verdict.reply->body += "echo " + body + "\n";
      continue;
    }
    auto text = co_await run_step(flow, plan, store.get(), step);
    verdict.reply->body += step.verb + " " + text + "\n";
  }
  counters.ended++;
  co_return verdict;
}

void start_script(ngx_http_request_t* r, Flow& flow, std::string body) {
  std::vector<Step> steps;
  for (StepConf& step : location_conf(r)->steps) {
    ngx_str_t argument{};
    if (ngx_http_complex_value(r, &step.argument, &argument) == NGX_OK) {
      steps.push_back({step.verb, std::string(view(argument))});
    }
  }
  auto* main =
      static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_oauth_flow_probe_module));
  flow.start(run_script(flow, server_conf<ServerConf>(r)->plan, main->store, std::move(steps),
                        std::move(body)));
}

ngx_int_t send_text(ngx_http_request_t* r, int status, std::string_view text) {
  r->headers_out.status = static_cast<ngx_uint_t>(status);
  r->headers_out.content_length_n = static_cast<off_t>(text.size());
  ngx_str_set(&r->headers_out.content_type, "text/plain");
  r->headers_out.content_type_len = r->headers_out.content_type.len;
  const ngx_int_t rc = ngx_http_send_header(r);
  if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
    return rc;
  }
  const ngx_str_t copy = pool_copy(r->pool, text);
  auto* buffer = static_cast<ngx_buf_t*>(ngx_calloc_buf(r->pool));
  if (copy.data == nullptr || buffer == nullptr) {
    return NGX_ERROR;
  }
  buffer->pos = copy.data;
  buffer->last = copy.data + copy.len;
  buffer->memory = 1;
  buffer->last_buf = r == r->main ? 1 : 0;
  buffer->last_in_chain = 1;
  ngx_chain_t out{buffer, nullptr};
  return ngx_http_output_filter(r, &out);
}

ngx_int_t answer(ngx_http_request_t* r, const Verdict& verdict) {
  if (verdict.problem) {
    return row(*verdict.problem).status;
  }
  return send_text(r, 200, verdict.reply->body);
}

ngx_int_t on_access(ngx_http_request_t* r) noexcept {
  const LocationConf* conf = location_conf(r);
  if (conf->steps.empty() || conf->is_content) {
    return NGX_DECLINED;
  }
  Flow* flow = Flow::find(r);
  if (flow == nullptr) {
    flow = Flow::create(r);
    if (flow == nullptr) {
      return NGX_ERROR;
    }
    start_script(r, *flow, {});
  }
  const Verdict* verdict = flow->advance();
  if (verdict == nullptr) {
    return NGX_AGAIN;
  }
  return verdict->problem ? row(*verdict->problem).status : NGX_OK;
}

void on_content_event(ngx_http_request_t* r) noexcept {
  const Verdict* verdict = Flow::find(r)->advance();
  if (verdict != nullptr) {
    ngx_http_finalize_request(r, answer(r, *verdict));
  }
}

void on_body(ngx_http_request_t* r, Result<std::string> body) noexcept {
  if (!body) {
    const ProblemRow& problem = row(body.problem());
    ngx_http_finalize_request(r, send_text(r, problem.status, problem.name));
    return;
  }
  Flow* flow = Flow::create(r);
  if (flow == nullptr) {
    ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    return;
  }
  r->write_event_handler = on_content_event;
  start_script(r, *flow, std::move(*body));
  on_content_event(r);
}

ngx_int_t on_content(ngx_http_request_t* r) noexcept {
  return read_body(r, location_conf(r)->max_body, on_body);
}

ngx_int_t on_status(ngx_http_request_t* r) noexcept {
  const ngx_int_t rc = ngx_http_discard_request_body(r);
  if (rc != NGX_OK) {
    return rc;
  }
  return send_text(r, 200,
                   "frames " + std::to_string(counters.frames) + "\nstarted " +
                       std::to_string(counters.started) + "\nended " +
                       std::to_string(counters.ended) + "\n");
}

// ---- configuration ----------------------------------------------------------------------------

std::string_view word(const ngx_conf_t* cf, ngx_uint_t index) {
  return view(static_cast<ngx_str_t*>(cf->args->elts)[index]);
}

char* add_step(ngx_conf_t* cf, LocationConf& conf, std::string_view text) {
  const std::size_t colon = text.find(':');
  StepConf step{std::string(text.substr(0, colon)), {}, NGX_ERROR};
  ngx_str_t argument = pool_copy(cf->pool, colon == text.npos ? "" : text.substr(colon + 1));
  ngx_http_compile_complex_value_t compile{};
  compile.cf = cf;
  compile.value = &argument;
  compile.complex_value = &step.argument;
  if (ngx_http_compile_complex_value(&compile) != NGX_OK) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  if (step.verb == "peek") {
    step.peeked = ngx_http_get_variable_index(cf, &argument);
  }
  conf.steps.push_back(std::move(step));
  return NGX_CONF_OK;
}

ngx_http_core_loc_conf_t* core_location(ngx_conf_t* cf) {
  return static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
}

char* set_steps(ngx_conf_t* cf, ngx_command_t*, void* data) {
  auto* conf = static_cast<LocationConf*>(data);
  conf->is_content = word(cf, 0) == "oauth_flow_probe_content";
  if (conf->is_content) {
    core_location(cf)->handler = on_content;
  }
  for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
    if (word(cf, i).substr(0, 5) == "body=") {
      conf->max_body = std::stoul(std::string(word(cf, i).substr(5)));
    } else if (char* error = add_step(cf, *conf, word(cf, i)); error != NGX_CONF_OK) {
      return error;
    }
  }
  return NGX_CONF_OK;
}

char* set_broker(ngx_conf_t* cf, ngx_command_t*, void* data) {
  FetchPlan& plan = static_cast<ServerConf*>(data)->plan;
  if (cf->args->nelts > 2) {
    plan.limit = std::stoul(std::string(word(cf, 2).substr(6)));
  }
  return make_fetch_location(cf, word(cf, 1), plan);
}

char* set_status(ngx_conf_t* cf, ngx_command_t*, void*) {
  core_location(cf)->handler = on_status;
  return NGX_CONF_OK;
}

char* set_store(ngx_conf_t* cf, ngx_command_t*, void* data) {
  auto* conf = static_cast<MainConf*>(data);
  conf->store = make_store(cf, *cf->args);
  return conf->store == nullptr ? static_cast<char*>(NGX_CONF_ERROR) : NGX_CONF_OK;
}

char* merge_server(ngx_conf_t* cf, void*, void* child) {
  const FetchPlan& plan = static_cast<ServerConf*>(child)->plan;
  if (plan.made.location_conf == nullptr) {
    return NGX_CONF_OK;
  }
  return refuse_twin(cf, *plan.made.location_conf, "oauth_flow_probe_broker");
}

template <class T>
void* create(ngx_conf_t* cf) {
  return make_in<T>(cf->pool);
}

ngx_int_t finish(ngx_conf_t* cf) {
  auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  auto** servers = static_cast<ngx_http_core_srv_conf_t**>(core->servers.elts);
  for (ngx_uint_t i = 0; i < core->servers.nelts; i++) {
    auto* conf = static_cast<ServerConf*>(
        servers[i]->ctx->srv_conf[ngx_http_oauth_flow_probe_module.ctx_index]);
    if (conf->plan.made.location_conf != nullptr &&
        finish_fetch_location(cf, conf->plan) != NGX_CONF_OK) {
      return NGX_ERROR;
    }
  }
  auto* handler = static_cast<ngx_http_handler_pt*>(
      ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers));
  if (handler == nullptr) {
    return NGX_ERROR;
  }
  *handler = on_access;
  return NGX_OK;
}

MainConf* main_conf(ngx_cycle_t* cycle) {
  auto* http = reinterpret_cast<ngx_http_conf_ctx_t*>(cycle->conf_ctx[ngx_http_module.index]);
  return http == nullptr
             ? nullptr
             : static_cast<MainConf*>(http->main_conf[ngx_http_oauth_flow_probe_module.ctx_index]);
}

ngx_int_t init_worker(ngx_cycle_t* cycle) {
  MainConf* conf = main_conf(cycle);
  return conf == nullptr || conf->store == nullptr ? NGX_OK : conf->store->init_worker(cycle);
}

void exit_worker(ngx_cycle_t* cycle) {
  MainConf* conf = main_conf(cycle);
  if (conf != nullptr && conf->store != nullptr) {
    conf->store->exit_worker(cycle);
  }
}

ngx_command_t commands[] = {
    {ngx_string("oauth_flow_probe_broker"), NGX_HTTP_SRV_CONF | NGX_CONF_TAKE12, set_broker,
     NGX_HTTP_SRV_CONF_OFFSET, 0, nullptr},
    {ngx_string("oauth_flow_probe"), NGX_HTTP_LOC_CONF | NGX_CONF_1MORE, set_steps,
     NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("oauth_flow_probe_content"), NGX_HTTP_LOC_CONF | NGX_CONF_1MORE, set_steps,
     NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("oauth_flow_probe_status"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_status,
     NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("oauth_flow_probe_store"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE, set_store,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    ngx_null_command};

ngx_http_module_t context = {nullptr,
                             finish,
                             create<MainConf>,
                             nullptr,
                             create<ServerConf>,
                             merge_server,
                             create<LocationConf>,
                             nullptr};

}  // namespace
}  // namespace oauth

extern "C" {
ngx_module_t ngx_http_oauth_flow_probe_module = {
    NGX_MODULE_V1, &oauth::context,      oauth::commands, NGX_HTTP_MODULE, nullptr,
    nullptr,       oauth::init_worker,   nullptr,         nullptr,         oauth::exit_worker,
    nullptr,       NGX_MODULE_V1_PADDING};
}
