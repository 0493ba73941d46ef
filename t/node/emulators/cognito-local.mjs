// cognito-local, an Amazon Cognito that nobody here wrote: sign-up, confirmation, sign-in, a hosted UI.
//
//     node cognito-local.mjs PORT CONTROL_PORT FOLDER
//
// What it lacks stands in front of it on PORT: `nonce` in its ID tokens (put in, and signed by its own
// key again), and userInfo (what its GetUser says). Everything else is passed on as it is: POST / is
// Cognito's API. A confirmation code is 123456. Pools and clients: `POOLS` and `CLIENTS`; it asks none
// for a secret. Knobs: redirect_uris; auto: { username, password } presses the button of its page;
// nonce: false leaves its ID tokens alone. A complaint is what it refused of a sign-in.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createHash, sign } from 'node:crypto';
import { createRequire } from 'node:module';
import { Faults, json, merge, readBody, serveControl } from '../lib/control.mjs';
import { claimsOf } from '../lib/signer.mjs';

const [port, controlPort, folder] = process.argv.slice(2);
const POOLS = ['eu-west-1_Local1234', 'eu-west-1_Other5678'];
const CLIENTS = {
  app: { UserPoolId: POOLS[0], ClientSecret: 'app-secret-0123456789abcdef0123456789' },
  other: { UserPoolId: POOLS[0] },
  // Its ID tokens have expired a minute before they are made.
  stale: { UserPoolId: POOLS[0], IdTokenValidity: -60, TokenValidityUnits: { IdToken: 'seconds' } },
  elsewhere: { UserPoolId: POOLS[1] },
};
const settings = { redirect_uris: [], auto: null, nonce: true };
const faults = new Faults();
const nonces = new Map();               // PKCE challenge => nonce
let complaints = [];
let inner;                              // where cognito-local itself listens,
let pem;                                // and with what it signs

// ---- cognito-local, as it is

const write = (name, value) => writeFileSync(`.cognito/${name}.json`, JSON.stringify(value));

const start = async () => {
  Object.assign(process.env, { PORT: '0', HOST: '127.0.0.1', CODE: '123456', AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1' });
  process.chdir(folder);
  mkdirSync('.cognito/db', { recursive: true });
  write('config', { TokenConfig: { IssuerDomain: `http://127.0.0.1:${port}` } });
  const dates = { CreationDate: new Date(), LastModifiedDate: new Date() };
  for (const Id of POOLS) {
    write(`db/${Id}`, { Users: {}, Options: { Id, UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'], ...dates } });
  }
  write('db/clients', { Clients: Object.fromEntries(Object.entries(CLIENTS).map(([ClientId, client]) => [ClientId, {
    ClientId, ClientName: ClientId, ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'], ...dates, ...client,
  }])) });
  const require = createRequire(import.meta.url);
  const pino = createRequire(require.resolve('cognito-local'))('pino');
  const { createDefaultServer } = require('cognito-local');
  const server = await createDefaultServer(pino({ level: 'warn' }));
  inner = `http://127.0.0.1:${(await server.start()).address().port}`;
  pem = require('cognito-local/lib/keys/cognitoLocal.private.json').pem;
};

const pass = async (method, url, headers = {}, body = undefined) => {
  const reply = await fetch(inner + url, { method, headers, body: body || undefined, redirect: 'manual' });
  return { status: reply.status, type: reply.headers.get('content-type'), location: reply.headers.get('location'), text: await reply.text() };
};

const api = async (target, value) => {
  const headers = { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': `AWSCognitoIdentityProviderService.${target}` };
  const reply = await pass('POST', '/', headers, JSON.stringify(value));
  return { status: reply.status, value: JSON.parse(reply.text) };
};

// ---- what it lacks

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

const authorize = async (req, body, theirs) => {
  const query = new URL(req.url, inner).searchParams;
  if (query.has('nonce')) nonces.set(query.get('code_challenge'), query.get('nonce'));
  const page = await theirs();
  if (!settings.auto || page.status !== 200) return page;
  for (const [name, value] of Object.entries(settings.auto)) query.set(name, value);
  return pass('POST', '/oauth2/authorize', FORM, String(query));
};

const token = async (req, body, theirs) => {
  const reply = await theirs();
  const challenge = createHash('sha256').update(new URLSearchParams(body).get('code_verifier') ?? '').digest('base64url');
  if (reply.status !== 200 || !settings.nonce || !nonces.has(challenge)) return reply;
  const tokens = JSON.parse(reply.text);
  const [header] = tokens.id_token.split('.');
  const input = `${header}.${b64({ ...claimsOf(tokens.id_token), nonce: nonces.get(challenge) })}`;
  const mark = sign('sha256', Buffer.from(input), pem).toString('base64url');
  return { ...reply, text: JSON.stringify({ ...tokens, id_token: `${input}.${mark}` }) };
};

// Amazon's: flags are texts.
const userinfo = async (req) => {
  const [, bearer] = /^Bearer (.+)$/.exec(req.headers.authorization ?? '') ?? [];
  const { status, value } = await api('GetUser', { AccessToken: bearer ?? '' });
  if (status !== 200) return { status: 401, type: 'application/json', text: JSON.stringify({ error: 'invalid_token' }) };
  const said = Object.fromEntries(value.UserAttributes.map(({ Name, Value }) => [Name, Value]));
  return { status: 200, type: 'application/json', text: JSON.stringify({ ...said, username: value.Username }) };
};

// path => [route, what answers in place of cognito-local alone]
const ROUTES = {
  '/oauth2/authorize': ['authorization', authorize],
  '/oauth2/token': ['token', token],
  '/oauth2/userInfo': ['userinfo', userinfo],
  [`/${POOLS[0]}/.well-known/jwks.json`]: ['jwks'],
};

const answer = async (req, res) => {
  const body = await readBody(req);
  const [route, make] = ROUTES[req.url.split('?')[0]] ?? ['api'];
  const met = await faults.meet(route, req, res, body);
  if (met.answered) return;
  const headers = Object.fromEntries(['content-type', 'x-amz-target'].filter((name) => req.headers[name]).map((name) => [name, req.headers[name]]));
  const theirs = () => pass(req.method, req.url, headers, body);
  const reply = await (make ? make(req, body, theirs) : theirs());
  if (reply.status >= 400 && route !== 'api') complaints.push(`${route}: ${reply.status} ${reply.text}`);
  const text = met.merge ? JSON.stringify(merge(JSON.parse(reply.text), met.merge)) : reply.text;
  res.writeHead(reply.status, { ...(reply.type ? { 'Content-Type': reply.type } : {}), ...(reply.location ? { Location: reply.location } : {}) });
  res.end(text);
};

const set = async (changes) => {
  Object.assign(settings, changes);
  for (const [ClientId, { UserPoolId }] of Object.entries(changes.redirect_uris ? CLIENTS : {})) {
    const { status, value } = await api('UpdateUserPoolClient', { UserPoolId, ClientId, CallbackURLs: changes.redirect_uris });
    if (status !== 200) throw new Error(JSON.stringify(value));
  }
};

await start();
createServer((req, res) => answer(req, res).catch((error) => json(res, 500, { error: String(error?.stack ?? error) })))
  .listen(port, '127.0.0.1', () => serveControl(controlPort, faults, {
    ping: () => ({ at: `http://127.0.0.1:${port}` }),
    set,
    complaints: () => ({ complaints }),
    pardon: () => { complaints = []; },
  }));
