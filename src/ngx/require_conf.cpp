#include "ngx/require_conf.hpp"

#include "ngx/pattern.hpp"
#include "ngx/setters.hpp"

namespace oauth {
namespace {

char* const kOk = static_cast<char*>(NGX_CONF_OK);

char* refuse_idle(ngx_conf_t* cf, const SaidRequirement& said) {
  const PointingTo place(cf, said.place);
  return conf_error(cf,
                    "\"oauth_require\" keeps nobody out: where it is meant to hold, write "
                    "\"oauth_protect bearer;\" beside it");
}

}  // namespace

char* set_require(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  RequirementsConf& here = static_cast<LocationConf*>(conf)->requirements;
  const bool is_off = conf_arg(cf, 1) == "off";
  if (here.off || (is_off && (!here.list.empty() || cf->args->nelts > 2))) {
    return conf_error(cf,
                      "\"oauth_require off\" stands alone: it drops what the levels around say, so "
                      "write it or requirements, not both");
  }
  here.off = is_off;
  for (std::size_t i = 1; i < cf->args->nelts && !is_off; ++i) {
    std::string why;
    const auto requirement = Requirement::parse(conf_arg(cf, i), compile_pattern, &why);
    if (!requirement) {
      return conf_error(cf, directive(cf) + "\"" + std::string(conf_arg(cf, i)) + "\": " + why);
    }
    here.list.push_back(*requirement);
  }
  if (!is_off) {
    const bool in_location = (cf->cmd_type & NGX_HTTP_LOC_CONF) != 0;
    here.said.push_back(
        std::make_shared<SaidRequirement>(SaidRequirement{place_of(cf), in_location}));
    main_conf(cf).requirements.push_back(here.said.back());
  }
  return kOk;
}

char* merge_requirements(ngx_conf_t* cf, const LocationConf& outer, LocationConf& inner) {
  RequirementsConf& here = inner.requirements;
  const bool is_protected = inner.protection.value_or(Protection::off) != Protection::off;
  for (const auto& said : here.said) {
    if (said->in_location && !is_protected) {
      return refuse_idle(cf, *said);
    }
  }
  if (!here.off) {
    const RequirementsConf& around = outer.requirements;
    here.list.insert(here.list.begin(), around.list.begin(), around.list.end());
    here.said.insert(here.said.begin(), around.said.begin(), around.said.end());
  }
  for (const auto& said : here.said) {
    said->holds = said->holds || is_protected;
  }
  return kOk;
}

char* refuse_idle_requirements(ngx_conf_t* cf) {
  for (const auto& said : main_conf(cf).requirements) {
    if (!said->holds) {
      return refuse_idle(cf, *said);
    }
  }
  return kOk;
}

}  // namespace oauth
