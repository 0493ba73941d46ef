// What the providers here have in common: routes with faults, codes that work once, the checks of
// a client's requests, and complaints: what it asked and should not have. The knobs are settings;
// each provider says in its own words what is wrong.
import { createServer } from 'node:http';
import { createHash, randomBytes } from 'node:crypto';
import { Faults, json, merge, readBody, serveControl } from './control.mjs';
import { Signer, assertionProblem, claimsOf, leftHalfHash, now } from './signer.mjs';

export { json, leftHalfHash, merge, now };
export const random = (bytes = 24) => randomBytes(bytes).toString('base64url');

const SETTINGS = {
  client_id: 'app',
  client_secret: 'app-secret-0123456789abcdef0123456789',
  token_auth: ['client_secret_basic', 'client_secret_post'],    // or private_key_jwt, none
  client_key: null,                     // a PEM or JWK, and how it signs, for private_key_jwt
  client_alg: 'ES256',
  redirect_uris: null,                  // null: any
  id_token: {},                         // how they lie: see Signer.token
  token: {},                            // merged into the reply of token
  userinfo: {},                         // merged into the reply of userinfo
  discovery: {},                        // merged into the discovery document
  authorize: {},                        // error: answer so; params: merged into the answer
};

// What a back channel may carry. A header of the browser, or of nginx's own making, is none of it.
const HEADERS = new Set(['host', 'connection', 'accept', 'content-type', 'content-length', 'authorization', 'user-agent']);
const BACK_CHANNEL = new Set(['discovery', 'jwks', 'token', 'userinfo', 'emails']);

export class Provider {
  settings;
  faults = new Faults();
  signer;
  complaints = [];
  grants = new Map();                   // access token => { account, scope }
  issued = [];                          // what the token endpoint answered
  port;
  controlPort;
  #codes = new Map();
  #assertions = new Set();
  #headers;

  // keys: the names of the signer's keys; headers: what this provider's API wants besides.
  constructor({ settings = {}, keys = ['rsa'], headers = [] } = {}) {
    [this.port, this.controlPort] = process.argv.slice(2).map(Number);
    this.settings = { ...SETTINGS, ...settings };
    this.signer = new Signer(keys);
    this.#headers = headers;
  }

  get at() { return `http://127.0.0.1:${this.port}`; }

  complain(what) { this.complaints.push(what); return what; }

  // routes: [name, path (a text or a RegExp), handler(ask)]; ask is what `read` returns.
  serve(routes, commands = {}) {
    createServer(async (req, res) => {
      const path = req.url.split('?')[0];
      const route = routes.find(([, at]) => (at instanceof RegExp ? at.test(path) : at === path));
      if (!route) {
        this.complain(`${req.method} ${path} is nowhere`);
        return json(res, 404, { error: 'not_found' });
      }
      const body = await readBody(req);
      const met = await this.faults.meet(route[0], req, res, body);
      if (met.answered) return undefined;
      if (BACK_CHANNEL.has(route[0])) this.#overhear(route[0], req);
      if (route[0] === 'token') this.#record(res);
      return route[2](read(req, res, body, met.merge));
    }).listen(this.port, '127.0.0.1', () => serveControl(this.controlPort, this.faults, {
      ping: () => ({ at: this.at }),
      set: (changes) => { Object.assign(this.settings, changes); },
      keys: () => this.signer.jwks(),
      complaints: () => ({ complaints: this.complaints }),
      issued: () => ({ issued: this.issued }),
      pardon: () => { this.complaints = []; },
      rotate: (how) => this.signer.rotate(how),
      ...commands,
    }));
  }

  #record(res) {
    const end = res.end.bind(res);
    res.end = (text) => { this.issued.push(String(text)); return end(text); };
  }

  #overhear(route, req) {
    const known = (name) => HEADERS.has(name) || this.#headers.includes(name);
    const strange = Object.keys(req.headers).filter((name) => !known(name)).sort();
    if (strange.length) this.complain(`${route}: a header of somebody else's: ${strange}`);
    const agent = req.headers['user-agent'];
    if (agent !== undefined && !agent.startsWith('ngx_http_oauth_module')) this.complain(`${route}: User-Agent ${agent}`);
    if (route !== 'jwks' && req.url.includes('?')) this.complain(`${route}: a query`);
  }

  // ---- the authorization request: the first thing that is wrong, as [what, in words], or undefined

  wrongInAuthorization(ask, { scope = 'openid', nonce = true, pkce = true } = {}) {
    const { one } = ask;
    const challenge = one('code_challenge');
    const checks = [
      [ask.unrepeated, 'form', 'a parameter was sent twice'],
      [one('client_id') === this.settings.client_id, 'client', 'client_id is not ours'],
      [this.isRegistered(one('redirect_uri')), 'redirect', 'redirect_uri is not registered'],
      [one('response_type') === 'code', 'response_type', 'response_type is not code'],
      [!scope || (one('scope') ?? '').split(' ').includes(scope), 'scope', `scope has no ${scope}`],
      [one('state'), 'state', 'there is no state'],
      [!nonce || one('nonce'), 'nonce', 'there is no nonce'],
      [!pkce || challenge, 'challenge', 'there is no S256 challenge'],
      [challenge === undefined || (one('code_challenge_method') === 'S256' && /^[\w-]{43}$/.test(challenge)),
        'challenge', 'there is no S256 challenge'],
    ];
    return this.#first(checks, 'authorization');
  }

  isRegistered(uri) {
    return Boolean(uri) && (!this.settings.redirect_uris || this.settings.redirect_uris.includes(uri));
  }

  // The answer's parameters: a code of these looks, or what `authorize` wants instead.
  answerTo(ask, code, more = {}) {
    const { error, params } = this.settings.authorize;
    if (!error) {
      this.#codes.set(code, {
        redirect_uri: ask.one('redirect_uri'), nonce: ask.one('nonce'), challenge: ask.one('code_challenge'),
        scope: (ask.one('scope') ?? '').split(' '), expires: now() + 600,
      });
    }
    return merge({ ...(error ? { error } : { code }), state: ask.one('state'), ...more }, params);
  }

  // ---- the token request: { attempt }, or { wrong: [what, in words] }

  redeem(ask, { pkce = true } = {}) {
    const { req, form } = ask;
    const attempt = this.#codes.get(form.get('code'));
    const formType = /^application\/x-www-form-urlencoded\b/.test(req.headers['content-type'] ?? '');
    const early = this.#first([
      [req.method === 'POST' && formType, 'form', 'not a form'],
      [ask.unrepeated, 'form', 'a parameter was sent twice'],
    ], 'token');
    const client = early ? undefined : this.wrongWithClient(ask);
    if (early || client) return { wrong: early ?? ['client', this.complain(`token: ${client}`)] };
    const grant = form.get('grant_type') === 'authorization_code';
    if (grant) this.#codes.delete(form.get('code'));    // whatever comes of it (RFC 6749 10.5)
    const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
    const wrong = this.#first([
      [grant, 'grant_type', 'not the code grant'],
      [attempt && attempt.expires > now(), 'code', 'the code is unknown or spent'],
      [attempt?.redirect_uri === form.get('redirect_uri'), 'redirect', 'another redirect_uri'],
      [!pkce || (attempt?.challenge === undefined ? !form.has('code_verifier') : attempt.challenge === challenge),
        'verifier', 'the verifier does not fit'],
      [[...form.keys()].every((name) => FORM.has(name)), 'form', `something unknown is in the form: ${[...form.keys()]}`],
    ], 'token');
    return wrong ? { wrong } : { attempt };
  }

  // How the client proves who it is: in one way, and one that is registered; empty if it does.
  wrongWithClient({ req, form }) {
    const { client_id: id, client_secret: secret, token_auth: allowed } = this.settings;
    const basic = /^Basic (.+)$/.exec(req.headers.authorization ?? '');
    const used = [
      req.headers.authorization !== undefined && 'client_secret_basic', form.has('client_secret') && 'client_secret_post',
      (form.has('client_assertion') || form.has('client_assertion_type')) && 'private_key_jwt',
    ].filter(Boolean);
    if (used.length > 1) return 'the client authenticated in two ways';
    const way = used[0] ?? 'none';
    if (![allowed].flat().includes(way)) return `the client did not authenticate: ${way}`;
    if (way !== 'client_secret_basic') {
      if (form.get('client_id') !== id && !(way === 'private_key_jwt' && !form.has('client_id'))) return 'another client_id';
      if (way === 'client_secret_post') return form.get('client_secret') === secret ? '' : 'the client_secret is wrong';
      return way === 'none' ? '' : this.#wrongWithAssertion(form);
    }
    if (!basic) return 'not Basic';
    const [user, password] = Buffer.from(basic[1], 'base64').toString().split(':').map(decodeURIComponent);
    if (form.has('client_id') && form.get('client_id') !== id) return 'another client_id';
    return user === id && password === secret ? '' : 'the client_secret is wrong';
  }

  // RFC 7523 2.2 and 3; OpenID Connect Core 9: jti is never seen twice.
  #wrongWithAssertion(form) {
    if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') return 'another client_assertion_type';
    const { client_id: id, client_key: key, client_alg: alg } = this.settings;
    const jwt = form.get('client_assertion') ?? '';
    const problem = assertionProblem(jwt, { key, alg, kid: this.settings.client_kid, iss: id, sub: id, aud: `${this.at}/token`, longest: 600 });
    if (problem) return `client_assertion: ${problem}`;
    const { jti } = claimsOf(jwt);
    if (typeof jti !== 'string' || jti.length < 16 || this.#assertions.has(jti)) return `client_assertion: jti is ${jti}`;
    this.#assertions.add(jti);
    return '';
  }

  // Whose access token it is, by its Authorization header; the scheme without regard to case.
  bearer({ req }) {
    return this.grants.get(/^(?:bearer|token) (.+)$/i.exec(req.headers.authorization ?? '')?.[1]);
  }

  #first(checks, where) {
    const failed = checks.find(([good]) => !good);
    return failed && [failed[1], this.complain(`${where}: ${failed[2]}`)];
  }
}

// All that a token request may say.
const FORM = new Set(['grant_type', 'code', 'redirect_uri', 'code_verifier', 'client_id', 'client_secret', 'client_assertion',
  'client_assertion_type']);

const read = (req, res, body, changes) => {
  const query = new URL(req.url, 'http://x').searchParams;
  const form = new URLSearchParams(body);
  const unrepeated = [query, form].every((all) => new Set(all.keys()).size === [...all.keys()].length);
  return { req, res, form, changes, unrepeated, one: (name) => query.get(name) ?? undefined };
};

// ---- how an answer goes back by way of the browser

export const redirect = (res, uri, answer) => {
  const target = new URL(uri);
  for (const [name, value] of Object.entries(answer)) target.searchParams.set(name, value);
  res.writeHead(302, { Location: target.href });
  res.end();
};

const escape = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

export const html = (res, status, text) => {
  res.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' });
  res.end(`<!doctype html><title>Sign in</title>${text}`);
};

// OAuth 2.0 Form Post Response Mode 1
export const formPost = (res, uri, answer) => {
  const fields = Object.entries(answer).map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`);
  html(res, 200, `<body onload="document.forms[0].submit()"><form method="post" action="${escape(uri)}">${fields.join('')}</form>`);
};

export const errorPage = (res, status, text) => html(res, status, `<h1>${escape(text)}</h1>`);
