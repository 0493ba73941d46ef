#include "oauth/proto/page.hpp"

#include <set>

#include "oauth/base/secret.hpp"
#include "oauth/base/text.hpp"
#include "oauth/proto/icon.hpp"

namespace oauth {
namespace {

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;--ink:#1b1f24;--quiet:#57606a;--paper:#f6f7f9;--card:#fff;"
    "--line:#d5d9df;--accent:#0b5cad}"
    "@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--quiet:#a3abb5;--paper:#14171a;"
    "--card:#1e2227;--line:#3a4149;--accent:#7ab8ff}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;"
    "background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}"
    "main{width:100%;max-width:26rem;background:var(--card);border:1px solid var(--line);"
    "border-radius:.75rem;padding:2rem}"
    "@media (max-width:26rem){main{padding:1.25rem}}"
    "h1{font-size:1.375rem;line-height:1.25;margin:0 0 1rem}"
    "p{margin:0 0 1rem;overflow-wrap:anywhere}"
    "ul{list-style:none;margin:0;padding:0;display:grid;gap:.625rem}"
    "a{display:flex;align-items:center;gap:.75rem;min-height:3rem;padding:.625rem 1rem;"
    "border:1px solid var(--line);border-radius:.5rem;color:var(--ink);text-decoration:none;"
    "overflow-wrap:anywhere}"
    "a:hover{border-color:var(--accent)}"
    "a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
    "img{flex:none;width:1.75rem;height:1.75rem}"
    "small{display:block;color:var(--quiet)}"
    ".quiet{color:var(--quiet)}"
    "code{overflow-wrap:anywhere}"
    ".id{margin:1.5rem 0 0;color:var(--quiet);font-size:.8125rem}";

// A policy allows nothing but our own <style>, named by its hash (CSP 3 2.3.1), and what a page
// adds.
std::string policy(std::string_view more = {}) {
  const std::string style = base64_encode(sha256(kStyle));
  std::string csp = "default-src 'none'; style-src 'sha256-" + style + "'";
  csp += more;
  csp += "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return csp;
}

// The origins of the icons that are really shown, each once.
std::string image_sources(const std::vector<Choice>& choices) {
  std::set<std::string> sources;
  for (const Choice& choice : choices) {
    std::string source = icon_source(choice.icon);
    if (!source.empty()) {
      sources.insert(std::move(source));
    }
  }
  std::string directive = sources.empty() ? "" : "; img-src";
  for (const std::string& source : sources) {
    directive += " " + source;
  }
  return directive;
}

std::string document(std::string_view title, std::string_view body) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"robots\" content=\"noindex\">\n<title>";
  html += html_escape(title);
  html += "</title>\n<style>";
  html += kStyle;
  html += "</style>\n</head>\n<body>\n<main>\n<h1>";
  html += html_escape(title);
  html += "</h1>\n";
  html += body;
  html += "</main>\n</body>\n</html>\n";
  return html;
}

std::string paragraph(std::string_view text) {
  return "<p>" + html_escape(text) + "</p>\n";
}

// What the person before the browser can do.
std::string_view advice(Problem problem) {
  const bool is_applications =
      problem >= Problem::redirect_missing && problem <= Problem::attempt_too_large;
  if (is_applications || problem == Problem::exchange_client_refused ||
      problem == Problem::exchange_redirect_refused) {
    return "Trying again will not help. Please give those who run the application the reference "
           "below.";
  }
  switch (problem) {
    case Problem::access_denied:
      return "If you did not mean to cancel, go back to the application and sign in again.";
    case Problem::email_unverified:
      return "Confirm your address at the sign-in provider, or sign in with another account.";
    case Problem::email_not_allowed:
      return "Sign in with another account, or ask those who run the application to admit you.";
    case Problem::demo_not_local:
      return "Open the application on the machine that it runs on.";
    case Problem::method_not_allowed:
    case Problem::not_found:
    case Problem::provider_unknown:
      return "Go back to the application and start again from there.";
    default:
      break;
  }
  switch (row(problem).status) {
    case 429:
    case 502:
    case 503:
    case 504:
      return "Wait a moment, then go back to the application and sign in again. If that does not "
             "help, give those who run it the reference below.";
    case 500:
      return "Please give those who run the application the reference below.";
    default:
      return "Go back to the application and sign in again. If that does not help, give those who "
             "run it the reference below.";
  }
}

std::string item(const Choice& choice) {
  std::string html = "<li><a href=\"" + html_escape(choice.href) + "\">";
  if (!choice.icon.empty()) {
    // The label says all that the icon does: a screen reader need not.
    html += "<img src=\"" + html_escape(choice.icon) + "\" alt=\"\" width=\"28\" height=\"28\">";
  }
  html += "<span>" + html_escape(choice.label);
  if (!choice.detail.empty()) {
    html += "<small>" + html_escape(choice.detail) + "</small>";
  }
  return html + "</span></a></li>\n";
}

}  // namespace

Page error_page(Problem problem, std::string_view flow_id, std::string_view hint) {
  std::string body = paragraph(row(problem).text);
  if (!hint.empty()) {
    body += "<p>Whoever runs this server can allow it by the line<br><code>" + html_escape(hint) +
            "</code></p>\n";
  }
  body += paragraph(advice(problem));
  body += "<p class=\"id\">Reference: " + html_escape(name(problem));
  if (!flow_id.empty()) {
    body += "<br>" + html_escape(flow_id);
  }
  body += "</p>\n";
  return {document("Sign-in did not work", body), policy()};
}

Page choice_page(std::string_view title, const std::vector<Choice>& choices,
                 std::string_view lead) {
  std::string body;
  if (!lead.empty()) {
    body += "<p class=\"quiet\">" + html_escape(lead) + "</p>\n";
  }
  // A list without bullets is none to some screen readers unless it says so.
  body += "<ul role=\"list\">\n";
  for (const Choice& choice : choices) {
    body += item(choice);
  }
  body += "</ul>\n";
  return {document(title, body), policy(image_sources(choices))};
}

Page popup_page(const Json& message, std::string_view origin, std::string_view nonce) {
  Json data = Json::object();
  data.set("message", message);
  data.set("origin", origin);
  // The opener is asked for once; without one nobody is told anything and the code is wiped.
  std::string body = "<p id=\"say\">You can close this window.</p>\n";
  body += "<script type=\"application/json\" id=\"data\">" + data.dump_for_html() + "</script>\n";
  body += "<script nonce=\"" + html_escape(nonce) + "\">";
  body +=
      "(function(){var node=document.getElementById('data');"
      "var data=JSON.parse(node.textContent);node.remove();"
      "if(window.opener){window.opener.postMessage(data.message,data.origin);window.close();}"
      "else{document.getElementById('say').textContent='Please return to the application.';}"
      "})();</script>\n";
  return {document("Signing in", body), policy("; script-src 'nonce-" + std::string(nonce) + "'")};
}

}  // namespace oauth
