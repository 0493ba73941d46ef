#include "oauth/base/json_view.hpp"

#include "oauth/base/json_pointer.hpp"

namespace oauth {

Json::Kind JsonView::kind() const noexcept {
  return node_ == nullptr ? Kind::null : node_->kind;
}

std::optional<std::string_view> JsonView::string() const noexcept {
  return kind() == Kind::string ? std::optional(node_->string()) : std::nullopt;
}

std::optional<std::int64_t> JsonView::integer() const noexcept {
  return kind() == Kind::integer ? std::optional(node_->integer) : std::nullopt;
}

std::optional<double> JsonView::number() const noexcept {
  if (kind() == Kind::integer) {
    return static_cast<double>(node_->integer);
  }
  return kind() == Kind::real ? std::optional(node_->real) : std::nullopt;
}

std::optional<bool> JsonView::boolean() const noexcept {
  return kind() == Kind::boolean ? std::optional(node_->boolean) : std::nullopt;
}

JsonView JsonView::get(std::string_view name) const noexcept {
  if (!is_object()) {
    return {};
  }
  const Node* const end = node_->next();
  for (const Node* at = node_ + 1; at != end; at = at[1].next()) {
    if (at->string() == name) {
      return JsonView(at + 1);
    }
  }
  return {};
}

std::vector<std::pair<std::string_view, JsonView>> JsonView::members() const {
  std::vector<std::pair<std::string_view, JsonView>> all;
  const Node* const end = is_object() ? node_->next() : node_;
  for (const Node* at = is_object() ? node_ + 1 : end; at != end; at = at[1].next()) {
    all.emplace_back(at->string(), JsonView(at + 1));
  }
  return all;
}

std::size_t JsonView::size() const noexcept {
  return is_object() || is_array() ? node_->count : 0;
}

JsonView JsonView::at(std::size_t index) const noexcept {
  if (!is_array() || index >= node_->count) {
    return {};
  }
  const Node* at = node_ + 1;
  for (; index > 0; --index) {
    at = at->next();
  }
  return JsonView(at);
}

std::vector<JsonView> JsonView::elements() const {
  std::vector<JsonView> all;
  const Node* const end = is_array() ? node_->next() : node_;
  for (const Node* at = is_array() ? node_ + 1 : end; at != end; at = at->next()) {
    all.push_back(JsonView(at));
  }
  return all;
}

JsonView JsonView::at_pointer(std::string_view pointer) const {
  return follow_pointer(*this, pointer);
}

// As deep as the tape's limit lets it be.
// NOLINTNEXTLINE(misc-no-recursion)
Json JsonView::copy() const {
  switch (kind()) {
    case Kind::null:
      break;
    case Kind::boolean:
      return Json::of(node_->boolean);
    case Kind::integer:
      return Json::of(node_->integer);
    case Kind::real:
      return Json::of(node_->real);
    case Kind::string:
      return Json::of(node_->string());
    case Kind::array: {
      Json array = Json::array();
      for (const JsonView& element : elements()) {
        array.push(element.copy());
      }
      return array;
    }
    case Kind::object: {
      Json object = Json::object();
      for (const auto& [name, value] : members()) {
        object.set(name, value.copy());
      }
      return object;
    }
  }
  return {};
}

}  // namespace oauth
