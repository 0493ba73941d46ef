// Google as it answers a web application that signs people in.
//
//     node google.mjs PORT CONTROL_PORT
//
// Knobs: those of lib/provider.mjs and `settings` below.
import { Provider, errorPage, json, leftHalfHash, merge, now, random, redirect } from '../lib/provider.mjs';

const provider = new Provider({
  keys: ['rsa', 'rsa-b'],
  settings: {
    issuer: 'https://accounts.google.com',    // of discovery
    iss: 'https://accounts.google.com',       // of ID tokens: with or without https://
    account: {
      sub: '110169484474386276334', email: 'alice@example.com', email_verified: true, name: 'Alice Example',
      picture: 'https://lh3.googleusercontent.com/a/photo=s96-c', given_name: 'Alice', family_name: 'Example',
    },
    hd: null,                                 // the Workspace domain
    id_token_account_claims: ['email', 'email_verified', 'name', 'picture', 'given_name', 'family_name'],
  },
});
const { settings, signer } = provider;

const idToken = (attempt, accessToken) => signer.token({
  iss: settings.iss, azp: settings.client_id, aud: settings.client_id, sub: settings.account.sub,
  ...(settings.hd ? { hd: settings.hd } : {}),
  ...Object.fromEntries(settings.id_token_account_claims.map((name) => [name, settings.account[name]])),
  at_hash: leftHalfHash(accessToken), nonce: attempt.nonce, iat: now(), exp: now() + 3600,
}, settings.id_token);

const authorize = (ask) => {
  const wrong = provider.wrongInAuthorization(ask);
  if (wrong?.[0] === 'redirect') return errorPage(ask.res, 400, 'Error 400: redirect_uri_mismatch');
  if (wrong?.[0] === 'client') return errorPage(ask.res, 401, 'Error 401: invalid_client');
  if (wrong) return errorPage(ask.res, 400, `Error 400: invalid_request (${wrong[1]})`);
  const more = {
    scope: 'email profile openid https://www.googleapis.com/auth/userinfo.email', authuser: '0', prompt: 'consent',
    ...(settings.hd ? { hd: settings.hd } : {}),
  };
  return redirect(ask.res, ask.one('redirect_uri'), provider.answerTo(ask, `4/0${random(36)}`, settings.authorize.error ? {} : more));
};

// what is wrong => [status, error, error_description]
const ERRORS = {
  client: [401, 'invalid_client', 'Unauthorized'],
  form: [400, 'invalid_request', 'Bad Request'],
  grant_type: [400, 'unsupported_grant_type', 'Invalid grant_type'],
  code: [400, 'invalid_grant', 'Malformed auth code.'],
  redirect: [400, 'redirect_uri_mismatch', 'Bad Request'],
  verifier: [400, 'invalid_grant', 'Invalid code verifier.'],
};

const token = (ask) => {
  const { attempt, wrong } = provider.redeem(ask);
  if (wrong) {
    const [status, error, description] = ERRORS[wrong[0]];
    return json(ask.res, status, { error, error_description: description });
  }
  const accessToken = `ya29.${random(48)}`;
  provider.grants.set(accessToken, settings.account);
  return json(ask.res, 200, merge(merge({
    access_token: accessToken, expires_in: 3599, token_type: 'Bearer',
    scope: 'openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile',
    id_token: idToken(attempt, accessToken),
  }, settings.token), ask.changes));
};

const userinfo = (ask) => {
  const account = provider.bearer(ask);
  if (!account) {
    return json(ask.res, 401, { error: 'invalid_request', error_description: 'Invalid Credentials' },
      { 'WWW-Authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"' });
  }
  return json(ask.res, 200, merge(merge({ ...account, ...(settings.hd ? { hd: settings.hd } : {}) }, settings.userinfo), ask.changes));
};

const discovery = (ask) => json(ask.res, 200, merge(merge({
  issuer: settings.issuer,
  authorization_endpoint: `${provider.at}/o/oauth2/v2/auth`,
  token_endpoint: `${provider.at}/token`,
  userinfo_endpoint: `${provider.at}/v1/userinfo`,
  jwks_uri: `${provider.at}/oauth2/v3/certs`,
  response_types_supported: ['code', 'token', 'id_token', 'code token', 'code id_token', 'none'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'email', 'profile'],
  token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
  code_challenge_methods_supported: ['plain', 'S256'],
}, settings.discovery), ask.changes));

provider.serve([
  ['discovery', '/.well-known/openid-configuration', discovery],
  ['authorization', '/o/oauth2/v2/auth', authorize],
  ['token', '/token', token],
  ['userinfo', '/v1/userinfo', userinfo],
  ['jwks', '/oauth2/v3/certs', (ask) => json(ask.res, 200, merge(signer.jwks({ alg: 'RS256' }), ask.changes))],
]);
