// Microsoft Entra ID, v2.0 endpoints, as they answer a web application.
//
//     node microsoft.mjs PORT CONTROL_PORT
//
// Knobs: those of lib/provider.mjs and `settings` below. The tenant stands in the path of every endpoint.
import { randomUUID } from 'node:crypto';
import { Provider, errorPage, json, merge, now, random, redirect } from '../lib/provider.mjs';

const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad';
const provider = new Provider({
  keys: ['rsa', 'rsa-b'],
  settings: {
    base: 'https://login.microsoftonline.com',    // of issuers
    home: '11111111-2222-4333-8444-555555555555',  // the tenant whose account signs in
    domains: { 'contoso.example': '11111111-2222-4333-8444-555555555555' },
    key_issuer: true,                             // false: none; a text: this one
    account: {
      sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ', oid: '00000000-0000-0000-66f3-3332eca7ea81',
      name: 'Alice Example', preferred_username: 'alice@contoso.example', email: 'alice@example.com', xms_edov: true,
    },
  },
});
const { settings, signer } = provider;
const TENANT = '([0-9a-z.-]+)';
const MULTI = ['common', 'organizations'];

// The GUID of a tenant as a path names it; "{tenantid}" where there are many.
const tenantOf = (name) => {
  if (MULTI.includes(name)) return '{tenantid}';
  if (name === 'consumers') return CONSUMERS;
  return settings.domains[name] ?? (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name) ? name : undefined);
};
const pathTenant = ({ req }) => req.url.split('/')[1];
const issuerOf = (tenant) => `${settings.base}/${tenant}/v2.0`;

const idToken = (attempt) => signer.token({
  aud: settings.client_id, iss: issuerOf(settings.home), iat: now(), nbf: now(), exp: now() + 3900, aio: random(), rh: '0.x',
  nonce: attempt.nonce, tid: settings.home, uti: random(16), ver: '2.0', ...settings.account,
}, settings.id_token);

const authorize = (ask) => {
  const wrong = provider.wrongInAuthorization(ask);
  const tenant = tenantOf(pathTenant(ask));
  if (!tenant) return errorPage(ask.res, 400, provider.complain(`AADSTS90002: Tenant '${pathTenant(ask)}' not found.`));
  if (wrong) {
    const code = { redirect: 'AADSTS50011', client: 'AADSTS700016' }[wrong[0]] ?? 'AADSTS900144';
    return errorPage(ask.res, 400, `${code}: ${wrong[1]}`);
  }
  const more = settings.authorize.error
    ? { error_description: 'AADSTS65004: User declined to consent to access the app.' }
    : { session_state: randomUUID() };
  return redirect(ask.res, ask.one('redirect_uri'), provider.answerTo(ask, `1.A${random(64)}.${random(200)}`, more));
};

// what is wrong => [status, error, AADSTS code, text]
const ERRORS = {
  client: [401, 'invalid_client', 7000215, 'Invalid client secret provided.'],
  form: [400, 'invalid_request', 900144, 'The request body must contain well-formed parameters.'],
  grant_type: [400, 'unsupported_grant_type', 70003, 'The app requested an unsupported grant type.'],
  code: [400, 'invalid_grant', 54005, 'OAuth2 Authorization code was already redeemed.'],
  redirect: [400, 'invalid_client', 500112, 'The reply address does not match the reply address provided when requesting Authorization code.'],
  verifier: [400, 'invalid_grant', 501481, 'The Code_Verifier does not match the code_challenge supplied in the authorization request.'],
  origin: [400, 'invalid_request', 9002326, "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type."],
  tenant: [400, 'invalid_request', 90002, 'Tenant not found. Check to make sure you have the correct tenant ID.'],
};

const refuse = (res, what) => {
  const [status, error, code, text] = ERRORS[what];
  const trace = { trace_id: randomUUID(), correlation_id: randomUUID(), timestamp: new Date().toISOString().replace('T', ' ') };
  json(res, status, {
    error, error_description: `AADSTS${code}: ${text} Trace ID: ${trace.trace_id}`, error_codes: [code], ...trace,
    error_uri: `https://login.microsoftonline.com/error?code=${code}`,
  });
};

const token = (ask) => {
  if (ask.req.headers.origin) return refuse(ask.res, 'origin');
  if (!tenantOf(pathTenant(ask))) return refuse(ask.res, 'tenant');
  const { attempt, wrong } = provider.redeem(ask);
  if (wrong) return refuse(ask.res, wrong[0]);
  const accessToken = `eyJ0eXAi.${random(200)}.${random(200)}`;
  provider.grants.set(accessToken, settings.account);
  return json(ask.res, 200, merge(merge({
    token_type: 'Bearer', scope: 'openid profile email', expires_in: 3599, ext_expires_in: 3599,
    access_token: accessToken, id_token: idToken(attempt),
  }, settings.token), ask.changes));
};

const userinfo = (ask) => {
  const account = provider.bearer(ask);
  if (!account) return json(ask.res, 401, { error: { code: 'InvalidAuthenticationToken', message: 'Access token is empty.' } });
  const { sub, name, email } = account;
  const said = { sub, name, ...(email ? { email } : {}), picture: 'https://graph.microsoft.com/v1.0/me/photo/$value' };
  return json(ask.res, 200, merge(merge(said, settings.userinfo), ask.changes));
};

const discovery = (ask) => {
  const name = pathTenant(ask);
  const tenant = tenantOf(name);
  if (!tenant) return refuse(ask.res, 'tenant');
  const at = `${provider.at}/${name}`;
  return json(ask.res, 200, merge(merge({
    issuer: issuerOf(tenant),
    authorization_endpoint: `${at}/oauth2/v2.0/authorize`,
    token_endpoint: `${at}/oauth2/v2.0/token`,
    userinfo_endpoint: `${provider.at}/oidc/userinfo`,
    jwks_uri: `${at}/discovery/v2.0/keys`,
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
  }, settings.discovery), ask.changes));
};

// At the endpoints of many tenants each key says whose tokens it signs.
const jwks = (ask) => {
  const tenant = tenantOf(pathTenant(ask));
  if (!tenant) return refuse(ask.res, 'tenant');
  const issuer = settings.key_issuer === true ? issuerOf('{tenantid}') : settings.key_issuer;
  return json(ask.res, 200, merge(signer.jwks(issuer ? { issuer } : {}), ask.changes));
};

provider.serve([
  ['discovery', new RegExp(`^/${TENANT}/v2\\.0/\\.well-known/openid-configuration$`), discovery],
  ['authorization', new RegExp(`^/${TENANT}/oauth2/v2\\.0/authorize$`), authorize],
  ['token', new RegExp(`^/${TENANT}/oauth2/v2\\.0/token$`), token],
  ['jwks', new RegExp(`^/${TENANT}/discovery/v2\\.0/keys$`), jwks],
  ['userinfo', '/oidc/userinfo', userinfo],
]);
