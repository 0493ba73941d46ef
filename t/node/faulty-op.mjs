// An OpenID Provider that is strict with its client and lies on demand.
//
//     node faulty-op.mjs PORT CONTROL_PORT
//
// It checks client authentication, single use of the code, redirect_uri and PKCE by S256, and signs
// in the configured account without a page. `set` takes what `settings` below and lib/provider.mjs
// hold; `id_token` says how the next ID tokens lie.
import { Provider, errorPage, json, merge, now, random, redirect } from './lib/provider.mjs';
import { ALGS } from './lib/signer.mjs';

const provider = new Provider({
  keys: ['rsa', 'p256', 'p384', 'ed25519'],
  settings: {
    token_auth: 'client_secret_basic',
    nonce_required: true,
    alg: 'RS256',                         // RS256 RS384 RS512 PS256 ES256 ES384 EdDSA
    account: { sub: 'alice', email: 'alice@example.com', email_verified: true, name: 'Alice Example' },
    id_token_account_claims: [],          // which of the account's claims the ID token carries
    authorize: { iss: true },             // iss false: none, or a text; error: answer so; params: merged
    openid: true,                         // false: OAuth 2.0 alone: no nonce, no ID token
  },
});
const { settings, signer } = provider;
const issuer = provider.at;

const idToken = (attempt) => {
  const extra = Object.fromEntries(settings.id_token_account_claims.map((name) => [name, settings.account[name]]));
  return signer.token({
    iss: issuer, aud: settings.client_id, sub: settings.account.sub, iat: now(), exp: now() + 300, nonce: attempt.nonce, ...extra,
  }, settings.id_token, settings.alg);
};

const authorize = (ask) => {
  const nonce = settings.openid && settings.nonce_required;
  const wrong = provider.wrongInAuthorization(ask, { nonce, scope: settings.openid ? 'openid' : '' });
  if (wrong) return errorPage(ask.res, 400, wrong[1]);
  const { iss } = settings.authorize;
  const more = iss && settings.openid ? { iss: iss === true ? issuer : iss } : {};
  return redirect(ask.res, ask.one('redirect_uri'), provider.answerTo(ask, random(), more));
};

const ERRORS = { client: 'invalid_client', form: 'invalid_request', grant_type: 'unsupported_grant_type' };

const token = (ask) => {
  const { attempt, wrong } = provider.redeem(ask);
  if (wrong) {
    const error = ERRORS[wrong[0]] ?? 'invalid_grant';
    return json(ask.res, error === 'invalid_client' ? 401 : 400, { error, error_description: wrong[1] });
  }
  const reply = merge({
    access_token: random(), token_type: 'Bearer', expires_in: 300, scope: 'openid email profile',
    ...(settings.openid ? { id_token: idToken(attempt) } : {}),
  }, settings.token);
  provider.grants.set(reply.access_token, settings.account);
  return json(ask.res, 200, merge(reply, ask.changes));
};

const userinfo = (ask) => {
  const account = provider.bearer(ask);
  if (!account) return json(ask.res, 401, { error: 'invalid_token' });
  return json(ask.res, 200, merge(merge(account, settings.userinfo), ask.changes));
};

const discovery = (ask) => json(ask.res, 200, merge(merge({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: Object.keys(ALGS),
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: Boolean(settings.authorize.iss),
}, settings.discovery), ask.changes));

provider.serve([
  ['discovery', '/.well-known/openid-configuration', discovery],
  ['authorization', '/authorize', authorize],
  ['token', '/token', token],
  ['userinfo', '/userinfo', userinfo],
  ['jwks', '/jwks', (ask) => json(ask.res, 200, merge(signer.jwks(), ask.changes))],
]);
