#include "ngx/made_location.hpp"

namespace oauth {
namespace {

constexpr std::string_view kCoreModule = "ngx_http_core_module";

ngx_command_t* find_command(const ngx_conf_t* cf, std::string_view module, std::string_view name) {
  for (ngx_uint_t i = 0; cf->cycle->modules[i] != nullptr; i++) {
    const ngx_module_t* it = cf->cycle->modules[i];
    if (it->type != NGX_HTTP_MODULE || it->commands == nullptr ||
        (!module.empty() && module != it->name)) {
      continue;
    }
    for (ngx_command_t* command = it->commands; command->name.len != 0; command++) {
      if (view(command->name) == name) {
        return command;
      }
    }
  }
  return nullptr;
}

// What nginx's parser has before it when it meets `location …  {`.
ngx_array_t* location_words(ngx_pool_t* pool, std::string_view modifier, std::string_view name) {
  ngx_array_t* words = ngx_array_create(pool, 3, sizeof(ngx_str_t));
  if (words == nullptr) {
    return nullptr;
  }
  for (std::string_view word : {std::string_view("location"), modifier, name}) {
    if (word.empty()) {
      continue;
    }
    auto* slot = static_cast<ngx_str_t*>(ngx_array_push(words));
    if (slot == nullptr) {
      return nullptr;
    }
    *slot = pool_copy(pool, word);
    if (slot->data == nullptr) {
      return nullptr;
    }
  }
  return words;
}

// The parser reads from the file's buffer and, its offset being at the end of the file, no further.
// Name and line stay those of the directive being parsed, so that errors point there.
ngx_conf_file_t file_of(const ngx_conf_file_t& real, ngx_buf_t& buffer, std::string& text) {
  buffer.start = reinterpret_cast<u_char*>(text.data());
  buffer.pos = buffer.start;
  buffer.last = buffer.start + text.size();
  buffer.end = buffer.last;
  ngx_conf_file_t file = real;
  file.buffer = &buffer;
  file.dump = nullptr;
  file.file.offset = ngx_file_size(&file.file.info);
  return file;
}

ngx_http_core_loc_conf_t* server_location(ngx_conf_t* cf) {
  return static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
}

// While server blocks are merged: the one whose turn it is.
ngx_http_core_loc_conf_t* merging_server(ngx_conf_t* cf) {
  const auto* core = static_cast<ngx_http_core_srv_conf_t*>(
      ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module));
  return static_cast<ngx_http_core_loc_conf_t*>(
      core->ctx->loc_conf[ngx_http_core_module.ctx_index]);
}

ngx_http_core_loc_conf_t* conf_of(const ngx_http_location_queue_t* location) {
  return location->exact != nullptr ? location->exact : location->inclusive;
}

// Whether its name is a path, and no regular expression or @name.
bool is_path(const ngx_http_core_loc_conf_t& conf) {
#if (NGX_PCRE)
  if (conf.regex != nullptr) {
    return false;
  }
#endif
  return conf.named == 0 && conf.noname == 0;
}

}  // namespace

ngx_http_core_loc_conf_t* make_location(ngx_conf_t* cf, std::string_view modifier,
                                        std::string_view name, std::string_view text) {
  ngx_command_t* location = find_command(cf, kCoreModule, "location");
  ngx_array_t* words = location_words(cf->pool, modifier, name);
  if (location == nullptr || words == nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "oauth: cannot make a location");
    return nullptr;
  }

  std::string block(text);
  block += " }";
  ngx_buf_t buffer{};
  ngx_conf_file_t file = file_of(*cf->conf_file, buffer, block);

  const ngx_conf_t saved = *cf;
  cf->args = words;
  cf->conf_file = &file;
  const char* outcome = location->set(cf, location, nullptr);
  *cf = saved;
  if (outcome != NGX_CONF_OK) {
    return nullptr;
  }
  // nginx appends to the server's queue, and keeps the two kinds of match in two fields.
  return conf_of(
      reinterpret_cast<ngx_http_location_queue_t*>(ngx_queue_last(server_location(cf)->locations)));
}

char* refuse_twin(ngx_conf_t* cf, const ngx_http_core_loc_conf_t& made,
                  std::string_view directive) {
  const ngx_http_core_loc_conf_t* server = merging_server(cf);
  const ngx_http_location_queue_t* ours = nullptr;
  const ngx_http_location_queue_t* theirs = nullptr;
  for (ngx_queue_t* it = ngx_queue_head(server->locations);
       it != ngx_queue_sentinel(server->locations); it = ngx_queue_next(it)) {
    const auto* location = reinterpret_cast<ngx_http_location_queue_t*>(it);
    const ngx_http_core_loc_conf_t* conf = conf_of(location);
    if (conf == &made) {
      ours = location;
    } else if (view(conf->name) == view(made.name) && is_path(*conf)) {
      theirs = location;
    }
  }
  if (ours == nullptr || theirs == nullptr) {
    return NGX_CONF_OK;
  }
  ngx_log_error(
      NGX_LOG_EMERG, cf->log, 0,
      "location \"%V\" in %s:%ui is also made by \"%*s\" in %s:%ui; remove it, or give the "
      "broker's URL a path of its own",
      &made.name, theirs->file_name, theirs->line, directive.size(), directive.data(),
      ours->file_name, ours->line);
  return static_cast<char*>(NGX_CONF_ERROR);
}

ngx_http_core_loc_conf_t* find_exact_location(ngx_conf_t* cf, std::string_view name) noexcept {
  ngx_queue_t* locations = merging_server(cf)->locations;
  for (ngx_queue_t* it = ngx_queue_head(locations); it != ngx_queue_sentinel(locations);
       it = ngx_queue_next(it)) {
    ngx_http_core_loc_conf_t* conf = reinterpret_cast<ngx_http_location_queue_t*>(it)->exact;
    if (conf != nullptr && conf->exact_match != 0 && view(conf->name) == name) {
      return conf;
    }
  }
  return nullptr;
}

bool has_directive(ngx_conf_t* cf, std::string_view name) noexcept {
  return find_command(cf, {}, name) != nullptr;
}

}  // namespace oauth
