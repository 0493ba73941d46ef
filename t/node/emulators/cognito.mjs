// Amazon Cognito: a user pool's hosted UI, as it answers an app client with a secret.
//
//     node cognito.mjs PORT CONTROL_PORT
//
// Knobs: those of lib/provider.mjs and `settings` below.
import { randomUUID } from 'node:crypto';
import { Provider, errorPage, json, leftHalfHash, merge, now, redirect } from '../lib/provider.mjs';

const provider = new Provider({
  keys: ['rsa', 'rsa-b'],
  settings: {
    issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123',
    account: {
      sub: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', 'cognito:username': 'alice', email: 'alice@example.com', email_verified: true,
      name: 'Alice Example', 'cognito:groups': ['staff'],
    },
    id_token_account_claims: ['cognito:username', 'cognito:groups', 'email', 'email_verified', 'name'],
  },
});
const { settings, signer } = provider;

const idToken = (attempt, accessToken) => signer.token({
  at_hash: leftHalfHash(accessToken), sub: settings.account.sub, iss: settings.issuer, aud: settings.client_id, token_use: 'id',
  ...Object.fromEntries(settings.id_token_account_claims.map((name) => [name, settings.account[name]])),
  origin_jti: randomUUID(), event_id: randomUUID(), jti: randomUUID(), nonce: attempt.nonce,
  auth_time: now(), iat: now(), exp: now() + 3600,
}, settings.id_token);

// It carries client_id and no aud.
const accessTokenOf = (attempt) => signer.token({
  sub: settings.account.sub, iss: settings.issuer, client_id: settings.client_id, token_use: 'access', version: 2,
  scope: attempt.scope.join(' '), username: settings.account['cognito:username'], jti: randomUUID(), auth_time: now(),
  iat: now(), exp: now() + 3600,
});

const authorize = (ask) => {
  const wrong = provider.wrongInAuthorization(ask);
  if (wrong?.[0] === 'client') return json(ask.res, 400, { error: 'invalid_request' });
  if (wrong) {
    const error = wrong[0] === 'redirect' ? 'redirect_mismatch' : 'invalid_request';
    return redirect(ask.res, `${provider.at}/error`, { error, client_id: ask.one('client_id') });
  }
  return redirect(ask.res, ask.one('redirect_uri'), provider.answerTo(ask, randomUUID()));
};

const ERRORS = { client: 'invalid_client', form: 'invalid_request', grant_type: 'unsupported_grant_type' };

const token = (ask) => {
  if (ask.req.method !== 'POST') return json(ask.res, 405, { error: 'method_not_allowed' });
  const { attempt, wrong } = provider.redeem(ask);
  if (wrong) return json(ask.res, 400, { error: ERRORS[wrong[0]] ?? 'invalid_grant' });
  const accessToken = accessTokenOf(attempt);
  provider.grants.set(accessToken, settings.account);
  return json(ask.res, 200, merge(merge({
    id_token: idToken(attempt, accessToken), access_token: accessToken, refresh_token: `eyJjdHki.${randomUUID()}`,
    expires_in: 3600, token_type: 'Bearer',
  }, settings.token), ask.changes));
};

// Flags are texts here, and booleans in the ID token.
const userinfo = (ask) => {
  const account = provider.bearer(ask);
  if (!account) {
    const error_description = 'Access token is expired, disabled, or deleted, or the user has globally signed out.';
    return json(ask.res, 401, { error: 'invalid_token', error_description }, { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
  }
  const { sub, email, name, email_verified: verified } = account;
  const said = { sub, email_verified: String(verified), email, name, username: account['cognito:username'] };
  return json(ask.res, 200, merge(merge(said, settings.userinfo), ask.changes));
};

const discovery = (ask) => json(ask.res, 200, merge(merge({
  issuer: settings.issuer,
  authorization_endpoint: `${provider.at}/oauth2/authorize`,
  token_endpoint: `${provider.at}/oauth2/token`,
  userinfo_endpoint: `${provider.at}/oauth2/userInfo`,
  jwks_uri: `${provider.at}/pool/.well-known/jwks.json`,
  response_types_supported: ['code', 'token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'email', 'phone', 'profile'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
}, settings.discovery), ask.changes));

provider.serve([
  ['error', '/error', (ask) => errorPage(ask.res, 400, `An error was encountered with the requested page: ${ask.one('error')}`)],
  ['discovery', '/pool/.well-known/openid-configuration', discovery],
  ['authorization', '/oauth2/authorize', authorize],
  ['token', '/oauth2/token', token],
  ['userinfo', '/oauth2/userInfo', userinfo],
  ['jwks', '/pool/.well-known/jwks.json', (ask) => json(ask.res, 200, merge(signer.jwks({ alg: 'RS256' }), ask.changes))],
]);
