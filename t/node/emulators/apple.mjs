// Sign in with Apple as it answers a web service.
//
//     node apple.mjs PORT CONTROL_PORT
//
// Knobs: those of lib/provider.mjs and `settings` below. There is no userinfo; the client's secret is
// a JWT that is checked in full.
import { Provider, errorPage, formPost, json, leftHalfHash, merge, now, random, redirect } from '../lib/provider.mjs';
import { assertionProblem } from '../lib/signer.mjs';

const SIX_MONTHS = 15777000;
class Apple extends Provider {
  // A client_secret in the body that is a JWT, and nothing else.
  wrongWithClient({ req, form }) {
    if (req.headers.authorization !== undefined) return 'credentials belong into the body';
    if (form.get('client_id') !== this.settings.client_id) return 'another client_id';
    if (!this.settings.client_key || form.has('client_assertion')) return 'a client_secret is wanted';
    const problem = assertionProblem(form.get('client_secret') ?? '', {
      key: this.settings.client_key, alg: 'ES256', kid: this.settings.key_id, iss: this.settings.team_id, sub: this.settings.client_id,
      aud: 'https://appleid.apple.com', longest: SIX_MONTHS,
    });
    return problem && `client_secret: ${problem}`;
  }
}

const provider = new Apple({
  keys: ['rsa', 'rsa-b', 'rsa-c'],
  settings: {
    issuer: 'https://appleid.apple.com',
    team_id: 'TEAM123456',
    key_id: 'KEY1234567',
    client_key: null,                   // the PEM of the public key that is registered
    account: { sub: '001234.0123456789abcdef0123456789abcdef.0123', email: 'alice@example.com' },
    flags: { email_verified: 'true', is_private_email: 'false' },    // texts, or booleans; {}: none
    name: { firstName: 'Alice', lastName: 'Example' },
    met: [],                            // accounts that have been here: for them there is no `user`
  },
});
const { settings, signer } = provider;

const idToken = (attempt, accessToken) => signer.token({
  iss: settings.issuer, aud: settings.client_id, exp: now() + 86400, iat: now(), sub: settings.account.sub, nonce: attempt.nonce,
  at_hash: leftHalfHash(accessToken), email: settings.account.email, ...settings.flags, auth_time: now(), nonce_supported: true,
}, settings.id_token);

const authorize = (ask) => {
  const { one, res } = ask;
  // Apple takes no part in PKCE; what it does not know it ignores.
  const wrong = provider.wrongInAuthorization(ask, { scope: '', pkce: false });
  const scope = (one('scope') ?? '').split(' ');
  const personal = scope.includes('name') || scope.includes('email');
  if (wrong) return errorPage(res, 400, `invalid_request: ${wrong[1]}`);
  if (personal && one('response_mode') !== 'form_post') {
    return errorPage(res, 400, provider.complain('response_mode must be form_post when name or email scope is requested.'));
  }
  const cancelled = settings.authorize.error;
  const first = !cancelled && !settings.met.includes(settings.account.sub);
  if (first) settings.met = [...settings.met, settings.account.sub];
  const user = { ...(scope.includes('name') ? { name: settings.name } : {}), email: settings.account.email };
  const answer = provider.answerTo(ask, `c${random(24)}.0.${random(12)}`, first && personal ? { user: JSON.stringify(user) } : {});
  return one('response_mode') === 'form_post' ? formPost(res, one('redirect_uri'), answer) : redirect(res, one('redirect_uri'), answer);
};

// what is wrong => [error, error_description]
const ERRORS = {
  client: ['invalid_client'],
  form: ['invalid_request'],
  grant_type: ['unsupported_grant_type'],
  code: ['invalid_grant', 'The code has expired or has been revoked.'],
  redirect: ['invalid_grant', 'redirect_uri does not match.'],
};

const token = (ask) => {
  const { attempt, wrong } = provider.redeem(ask, { pkce: false });
  if (wrong) {
    const [error, description] = ERRORS[wrong[0]];
    return json(ask.res, 400, { error, ...(description ? { error_description: description } : {}) });
  }
  const accessToken = `a${random(32)}.0.${random(12)}`;
  return json(ask.res, 200, merge(merge({
    access_token: accessToken, token_type: 'Bearer', expires_in: 3600, refresh_token: `r${random(32)}.0.${random(12)}`,
    id_token: idToken(attempt, accessToken),
  }, settings.token), ask.changes));
};

const discovery = (ask) => json(ask.res, 200, merge(merge({
  issuer: settings.issuer,
  authorization_endpoint: `${provider.at}/auth/authorize`,
  token_endpoint: `${provider.at}/auth/token`,
  jwks_uri: `${provider.at}/auth/keys`,
  response_types_supported: ['code'],
  response_modes_supported: ['query', 'fragment', 'form_post'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'email', 'name'],
  token_endpoint_auth_methods_supported: ['client_secret_post'],
}, settings.discovery), ask.changes));

provider.serve([
  ['discovery', '/.well-known/openid-configuration', discovery],
  ['authorization', '/auth/authorize', authorize],
  ['token', '/auth/token', token],
  ['jwks', '/auth/keys', (ask) => json(ask.res, 200, merge(signer.jwks({ alg: 'RS256' }), ask.changes))],
]);
