// A certified OpenID Provider (oidc-provider) on a loopback port, with a control port.
//
//     node idp.mjs PORT CONTROL_PORT
//
// Clients: "app" (secret by Basic), "app-post" (secret in the body), "app-public" (none); secret
// "app-secret-0123456789abcdef0123456789"; "app-key" (private_key_jwt) once `client_keys`, JWKs, are
// set. PKCE by S256 is required. `set` takes { redirect_uris, account, accounts, auto, client,
// client_keys } and `rotate` makes new keys.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Faults, merge, readBody, serveControl } from './lib/control.mjs';
import Provider from 'oidc-provider';

const [port, controlPort] = process.argv.slice(2).map(Number);
const issuer = `http://127.0.0.1:${port}`;
const faults = new Faults();
const settings = {
  redirect_uris: ['http://localhost/oauth/callback/acme'],
  account: 'alice',
  // Without a page: the browser of a test need not press the button.
  auto: false,
  client: {},
  client_keys: [],
  accounts: {
    alice: { email: 'alice@example.com', email_verified: true, name: 'Alice Example' },
    bob: { email: 'bob@example.com', email_verified: false, name: 'Bob Example' },
  },
};
let keys = [];
let provider;
let handle;

const privateJwk = (type, options, alg) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg, use: 'sig',
});
const makeKeys = () => [privateJwk('rsa', { modulusLength: 2048 }, 'RS256'), privateJwk('ec', { namedCurve: 'P-256' }, 'ES256')];

const client = (client_id, token_endpoint_auth_method) => ({
  client_id,
  ...(['none', 'private_key_jwt'].includes(token_endpoint_auth_method) ? {} : { client_secret: 'app-secret-0123456789abcdef0123456789' }),
  token_endpoint_auth_method,
  redirect_uris: settings.redirect_uris,
  ...settings.client,
});

const build = () => {
  provider = new Provider(issuer, {
    clients: [
      client('app', 'client_secret_basic'), client('app-post', 'client_secret_post'), client('app-public', 'none'),
      ...(settings.client_keys.length ? [{ ...client('app-key', 'private_key_jwt'), jwks: { keys: settings.client_keys } }] : []),
    ],
    jwks: { keys },
    cookies: { keys: ['one', 'two'] },
    pkce: { required: () => true, methods: ['S256'] },
    features: { devInteractions: { enabled: false } },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, AuthorizationCode: 60, IdToken: 600 },
    interactions: { url: (ctx, interaction) => `/login/${interaction.uid}` },
    findAccount: (ctx, id) => settings.accounts[id] && {
      accountId: id, claims: () => ({ sub: id, ...settings.accounts[id] }),
    },
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.req.merge) ctx.body = merge(ctx.body, ctx.req.merge);
  });
  handle = provider.callback();
};

const loginPage = (hint) => `<!doctype html><html lang="en"><title>Sign in at Acme</title>
<h1>Acme ID</h1><form method="post"><label>Account <input name="account" value="${hint}"></label>
<button id="sign-in">Sign in</button></form></html>`;

const interact = async (req, res) => {
  const { params } = await provider.interactionDetails(req, res);
  const hint = settings.accounts[params.login_hint] ? params.login_hint : settings.account;
  if (req.method === 'GET' && !settings.auto) {
    res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
    return res.end(loginPage(hint));
  }
  const chosen = new URLSearchParams(await readBody(req)).get('account') || hint;
  if (chosen === 'cancel') {
    return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'cancelled' });
  }
  return provider.interactionFinished(req, res, { login: { accountId: chosen } });
};

const ROUTES = { '/auth': 'authorization', '/token': 'token', '/me': 'userinfo', '/jwks': 'jwks',
  '/.well-known/openid-configuration': 'discovery' };

createServer(async (req, res) => {
  try {
    const path = req.url.split('?')[0];
    if (path.startsWith('/login/')) return await interact(req, res);
    if (ROUTES[path]) {
      req.body = await readBody(req); // where the provider looks once it is read
      const met = await faults.meet(ROUTES[path], req, res, req.body);
      if (met.answered) return;
      req.merge = met.merge;
    }
    return await handle(req, res);
  } catch (error) {
    res.writeHead(500, { 'Content-Type': 'text/plain' });
    res.end(String(error?.stack ?? error));
  }
}).listen(port, '127.0.0.1', () => {
  keys = makeKeys();
  build();
  serveControl(controlPort, faults, {
    ping: () => ({ issuer }),
    set: (changes) => {
      Object.assign(settings, changes, { accounts: merge(settings.accounts, changes.accounts) });
      build();
    },
    // The new keys sign; with keep_old the old ones stay published.
    rotate: ({ keep_old: keepOld }) => { keys = [...makeKeys(), ...(keepOld ? keys : [])]; build(); },
  });
});
