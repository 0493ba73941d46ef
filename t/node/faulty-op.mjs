// An OpenID Provider that is strict with its client and lies on demand.
//
//     node faulty-op.mjs PORT CONTROL_PORT
//
// It checks client authentication, single use of the code, redirect_uri and PKCE by S256, and signs
// in the configured account without a page. `set` takes what `settings` below holds; `id_token`
// says how the next ID tokens lie.
import { createServer } from 'node:http';
import { constants, createHash, createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { Faults, json, merge, readBody, serveControl } from './lib/control.mjs';

const [port, controlPort] = process.argv.slice(2).map(Number);
const issuer = `http://127.0.0.1:${port}`;
const faults = new Faults();
const settings = {
  client_id: 'app',
  client_secret: 'app-secret-0123456789abcdef0123456789',
  token_auth: 'client_secret_basic',    // or client_secret_post, none
  redirect_uris: null,                  // null: any
  nonce_required: true,
  alg: 'RS256',                         // RS256 RS384 RS512 PS256 ES256 ES384 EdDSA
  account: { sub: 'alice', email: 'alice@example.com', email_verified: true, name: 'Alice Example' },
  // claims and header are merged (null removes); alg 'none'; hs256_with_public_key; key 'other'
  // (right kid, unpublished key); tamper 'signature' or 'payload'; raw: this text instead.
  id_token: {},
  id_token_account_claims: [],          // which of the account's claims the ID token carries
  userinfo: {},                         // merged into the reply of userinfo
  discovery: {},                        // merged into the discovery document
  authorize: { iss: true },             // iss false: none, or a text; error: answer so; params: merged
  token: {},                            // merged into the reply of token
};

const ALGS = {
  RS256: ['rsa', 'sha256'], RS384: ['rsa', 'sha384'], RS512: ['rsa', 'sha512'], PS256: ['rsa', 'sha256'],
  ES256: ['p256', 'sha256'], ES384: ['p384', 'sha384'], EdDSA: ['ed25519', null],
};
const makeKeys = () => ({
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ed25519: generateKeyPairSync('ed25519'),
});
let keys = makeKeys();
const otherKeys = makeKeys();
let generation = 1;
const codes = new Map();
const accessTokens = new Map();
const complaints = [];

const kid = (name) => `${name}-${generation}`;
const jwks = () => ({
  keys: Object.entries(keys).map(([name, pair]) => ({
    ...pair.publicKey.export({ format: 'jwk' }), kid: kid(name), use: 'sig',
  })),
});

const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const signature = (alg, input, pair) => {
  const [name, digest] = ALGS[alg];
  const key = { key: pair[name].privateKey };
  if (alg.startsWith('ES')) key.dsaEncoding = 'ieee-p1363';
  if (alg.startsWith('PS')) Object.assign(key, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  return sign(digest, Buffer.from(input), key).toString('base64url');
};

const idToken = (attempt) => {
  const lie = settings.id_token;
  if (lie.raw !== undefined) return lie.raw;
  const now = Math.floor(Date.now() / 1000);
  const alg = lie.alg ?? settings.alg;
  const extra = Object.fromEntries(settings.id_token_account_claims.map((name) => [name, settings.account[name]]));
  const claims = merge({
    iss: issuer, aud: settings.client_id, sub: settings.account.sub, iat: now, exp: now + 300, nonce: attempt.nonce, ...extra,
  }, lie.claims);
  const header = merge({ alg, typ: 'JWT', kid: kid((ALGS[alg] ?? ['rsa'])[0]) }, lie.header);
  let input = `${b64(header)}.${b64(claims)}`;
  let mark;
  if (lie.hs256_with_public_key) {
    const pem = createPublicKey(keys.rsa.privateKey).export({ type: 'spki', format: 'pem' });
    input = `${b64({ ...header, alg: 'HS256' })}.${b64(claims)}`;
    mark = createHmac('sha256', pem).update(input).digest('base64url');
  } else {
    mark = alg === 'none' ? '' : signature(alg, input, lie.key === 'other' ? otherKeys : keys);
  }
  if (lie.tamper === 'payload') input = `${b64(header)}.${b64({ ...claims, sub: 'mallory' })}`;
  if (lie.tamper === 'signature') mark = (mark[0] === 'A' ? 'B' : 'A') + mark.slice(1);
  return `${input}.${mark}`;
};

const refuse = (res, error, description) => {
  complaints.push(description);
  json(res, error === 'invalid_client' ? 401 : 400, { error, error_description: description });
};

const authorize = (req, res) => {
  const query = new URL(req.url, issuer).searchParams;
  const one = (name) => (query.getAll(name).length === 1 ? query.get(name) : undefined);
  const checks = [
    [one('response_type') === 'code', 'response_type is not code'],
    [one('client_id') === settings.client_id, 'client_id is not ours'],
    [one('redirect_uri') && (!settings.redirect_uris || settings.redirect_uris.includes(one('redirect_uri'))), 'redirect_uri is not registered'],
    [(one('scope') ?? '').split(' ').includes('openid'), 'scope has no openid'],
    [one('state'), 'there is no state'],
    [!settings.nonce_required || one('nonce'), 'there is no nonce'],
    [one('code_challenge_method') === 'S256' && /^[\w-]{43}$/.test(one('code_challenge') ?? ''), 'there is no S256 challenge'],
  ];
  const failed = checks.find(([good]) => !good);
  if (failed) return refuse(res, 'invalid_request', failed[1]);

  const { iss, error, params } = settings.authorize;
  const code = randomBytes(24).toString('base64url');
  codes.set(code, { redirect_uri: one('redirect_uri'), nonce: query.get('nonce') ?? undefined, challenge: one('code_challenge') });
  const target = new URL(one('redirect_uri'));
  const answer = merge({
    ...(error ? { error } : { code }), state: one('state'), ...(iss ? { iss: iss === true ? issuer : iss } : {}),
  }, params);
  for (const [name, value] of Object.entries(answer)) target.searchParams.set(name, value);
  res.writeHead(302, { Location: target.href });
  res.end();
};

const clientIsAuthentic = (req, form) => {
  const basic = /^Basic (.+)$/.exec(req.headers.authorization ?? '');
  const used = [basic && 'client_secret_basic', form.has('client_secret') && 'client_secret_post'].filter(Boolean);
  if (used.length > 1) return false;
  if ((used[0] ?? 'none') !== settings.token_auth) return false;
  if (!basic) return form.get('client_id') === settings.client_id && (used.length === 0 || form.get('client_secret') === settings.client_secret);
  const [id, secret] = Buffer.from(basic[1], 'base64').toString().split(':').map(decodeURIComponent);
  return id === settings.client_id && secret === settings.client_secret;
};

const token = (req, res, body, changes) => {
  const form = new URLSearchParams(body);
  if (req.method !== 'POST' || !/^application\/x-www-form-urlencoded\b/.test(req.headers['content-type'] ?? '')) {
    return refuse(res, 'invalid_request', 'not a form');
  }
  if (new Set(form.keys()).size !== [...form.keys()].length) return refuse(res, 'invalid_request', 'a parameter was sent twice');
  if (!clientIsAuthentic(req, form)) return refuse(res, 'invalid_client', 'the client did not authenticate');
  if (form.get('grant_type') !== 'authorization_code') return refuse(res, 'unsupported_grant_type', 'not the code grant');
  const attempt = codes.get(form.get('code'));
  codes.delete(form.get('code'));
  if (!attempt) return refuse(res, 'invalid_grant', 'the code is unknown or spent');
  if (attempt.redirect_uri !== form.get('redirect_uri')) return refuse(res, 'invalid_grant', 'another redirect_uri');
  const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
  if (attempt.challenge !== challenge) return refuse(res, 'invalid_grant', 'the verifier does not fit');

  const accessToken = randomBytes(24).toString('base64url');
  accessTokens.set(accessToken, settings.account);
  json(res, 200, merge(merge({
    access_token: accessToken, token_type: 'Bearer', expires_in: 300, scope: 'openid email profile', id_token: idToken(attempt),
  }, settings.token), changes));
};

const userinfo = (req, res, changes) => {
  const account = accessTokens.get((req.headers.authorization ?? '').replace(/^Bearer /, ''));
  if (!account) return json(res, 401, { error: 'invalid_token' });
  json(res, 200, merge(merge(account, settings.userinfo), changes));
};

const discovery = (changes) => merge(merge({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: Object.keys(ALGS),
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: Boolean(settings.authorize.iss),
}, settings.discovery), changes);

const ROUTES = { '/.well-known/openid-configuration': 'discovery', '/authorize': 'authorization', '/token': 'token',
  '/jwks': 'jwks', '/userinfo': 'userinfo' };

createServer(async (req, res) => {
  const route = ROUTES[req.url.split('?')[0]];
  if (!route) return json(res, 404, { error: 'not_found' });
  const body = await readBody(req);
  const met = await faults.meet(route, req, res, body);
  if (met.answered) return undefined;
  if (route === 'discovery') return json(res, 200, discovery(met.merge));
  if (route === 'authorization') return authorize(req, res);
  if (route === 'token') return token(req, res, body, met.merge);
  if (route === 'userinfo') return userinfo(req, res, met.merge);
  return json(res, 200, merge(jwks(), met.merge));
}).listen(port, '127.0.0.1', () => serveControl(controlPort, faults, {
  ping: () => ({ issuer }),
  set: (changes) => { Object.assign(settings, changes); },
  keys: () => jwks(),
  complaints: () => ({ complaints }),
  rotate: () => { keys = makeKeys(); generation += 1; },
}));
