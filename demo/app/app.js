// The whole of a client: choose a provider, come back with a code, redeem it, call the backend.
// The tokens live in sessionStorage: gone with the tab, never sent by itself.

const element = (id) => document.getElementById(id);
const STORED = 'demo-tokens';

const readTokens = () => JSON.parse(sessionStorage.getItem(STORED) ?? 'null');

function show() {
  const tokens = readTokens();
  element('signed-out').hidden = tokens !== null;
  element('signed-in').hidden = tokens === null;
  if (tokens) {
    element('who').textContent = tokens.claims.name ?? tokens.claims.email ?? tokens.claims.sub;
    element('subject').textContent = tokens.claims.sub;
    element('expires').textContent = new Date(tokens.accessTokenExpiration).toLocaleTimeString();
  }
}

function complain(text) {
  element('error').textContent = text;
  element('error').hidden = false;
}

async function listProviders() {
  const reply = await fetch('/auth-providers');
  const { providers } = await reply.json();
  for (const provider of providers) {
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset.provider = provider.name;
    if (provider.iconUrl) {
      const icon = document.createElement('img');
      icon.src = provider.iconUrl;
      icon.alt = '';
      button.append(icon);
    }
    button.append(`Continue with ${provider.displayName}`);
    button.addEventListener('click', () => signIn(provider.name));
    element('providers').append(button);
  }
}

function signIn(name) {
  const query = new URLSearchParams({ redirect_uri: location.origin + location.pathname });
  location.assign(`/oauth/login/${name}?${query}`);
}

// The broker comes back with ?dxc-auth=<base64url of JSON>. It leaves the address bar at once.
function takeAnswer() {
  const url = new URL(location.href);
  const text = url.searchParams.get('dxc-auth');
  if (text === null) {
    return null;
  }
  url.searchParams.delete('dxc-auth');
  history.replaceState(null, '', url);
  return JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/')));
}

// A refresh must be signed by this key; the demo does not refresh, so it keeps no private half.
async function makePublicKey() {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]),
  };
  const pair = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const der = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
  const lines = btoa(String.fromCharCode(...der)).match(/.{1,64}/g).join('\n');
  return `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----`;
}

async function redeem(code) {
  const reply = await fetch('/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      grant_type: 'authorization_code', code, public_key: await makePublicKey(), scopes: ['ACCESS_DB'],
    }),
  });
  const answer = await reply.json();
  if (answer.type !== 'tokens') {
    throw new Error(answer.message ?? `The token endpoint answered ${reply.status}.`);
  }
  sessionStorage.setItem(STORED, JSON.stringify(answer));
}

async function callBackend() {
  const tokens = readTokens();
  const headers = tokens ? { Authorization: `Bearer ${tokens.accessToken}` } : {};
  const reply = await fetch('/api/hello', { headers });
  const challenge = reply.headers.get('WWW-Authenticate');
  element('answer').textContent = [
    `${reply.status} ${reply.statusText}`,
    challenge && `WWW-Authenticate: ${challenge}`,
    reply.ok && (await reply.text()),
  ].filter(Boolean).join('\n');
}

async function start() {
  element('call').addEventListener('click', () => callBackend().catch((error) => complain(error.message)));
  element('sign-out').addEventListener('click', () => {
    sessionStorage.removeItem(STORED);
    show();
  });
  try {
    const answer = takeAnswer();
    if (answer?.error) {
      complain(answer.error);
    } else if (answer) {
      await redeem(answer.code);
    }
    await listProviders();
  } catch (error) {
    complain(error.message);
  }
  show();
}

start();
