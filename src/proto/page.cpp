#include "oauth/proto/page.hpp"

#include "oauth/base/secret.hpp"
#include "oauth/base/text.hpp"

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
    "h1{font-size:1.375rem;line-height:1.25;margin:0 0 1rem}"
    "p{margin:0 0 1rem}"
    "ul{list-style:none;margin:0;padding:0;display:grid;gap:.625rem}"
    "a{display:block;padding:.75rem 1rem;border:1px solid var(--line);border-radius:.5rem;"
    "color:var(--ink);text-decoration:none;overflow-wrap:anywhere}"
    "a:hover{border-color:var(--accent)}"
    "a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
    "small{display:block;color:var(--quiet)}"
    "code{overflow-wrap:anywhere}"
    ".id{margin:1.5rem 0 0;color:var(--quiet);font-size:.8125rem}";

// The policy of a page that runs nothing: only our own <style>, named by its hash (CSP 3 2.3.1).
std::string policy(std::string_view script_source) {
  const std::string style = base64_encode(sha256(kStyle));
  std::string csp = "default-src 'none'; style-src 'sha256-" + style + "'";
  if (!script_source.empty()) {
    csp += "; script-src ";
    csp += script_source;
  }
  csp += "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return csp;
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

}  // namespace

Page error_page(Problem problem, std::string_view flow_id, std::string_view hint) {
  std::string body = paragraph(row(problem).text);
  if (!hint.empty()) {
    body += "<p><code>" + html_escape(hint) + "</code></p>\n";
  }
  body += "<p class=\"id\">" + html_escape(name(problem));
  if (!flow_id.empty()) {
    body += " &middot; " + html_escape(flow_id);
  }
  body += "</p>\n";
  return {document("Sign-in did not work", body), policy({})};
}

Page choice_page(std::string_view title, const std::vector<Choice>& choices) {
  std::string body = "<ul>\n";
  for (const Choice& choice : choices) {
    body += "<li><a href=\"" + html_escape(choice.href) + "\">" + html_escape(choice.label);
    if (!choice.detail.empty()) {
      body += "<small>" + html_escape(choice.detail) + "</small>";
    }
    body += "</a></li>\n";
  }
  body += "</ul>\n";
  return {document(title, body), policy({})};
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
  return {document("Signing in", body), policy("'nonce-" + std::string(nonce) + "'")};
}

}  // namespace oauth
