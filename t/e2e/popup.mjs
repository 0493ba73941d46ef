// The older popup client: a window that signs in, tells its opener and closes; and who else listens.
import { inBrowser, ok, shoot } from './browser.mjs';

const [broker, app, stranger] = process.argv.slice(2);
const state = 'f0'.repeat(32);
const wish = (more) => `${broker}/oauth/login/demo?redirect_uri=${encodeURIComponent(app)}&state=${state}${more}`;

// Opens a login from the page and goes up to the provider's page.
async function open(page, at, more = '') {
  await page.goto(`${at}/opener.html`);
  const opened = page.waitForEvent('popup');
  await page.evaluate((address) => window.signIn(address), wish(more));
  const popup = await opened;
  await popup.getByText('alice@demo.local').waitFor();
  return popup;
}

const told = (page) => page.evaluate(() => window.told);
const said = async (page) => { await page.waitForFunction(() => window.told.length > 0); return told(page); };

const callbackOf = (page) => page.waitForResponse((response) => response.url().includes('/oauth/callback/'));

// What the opener does with the code, by a key of its own; a code that another has burnt buys nothing.
const redeem = (page, code) => page.evaluate(async ([address, given]) => {
  const pair = await crypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify']);
  const der = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey))));
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.match(/.{1,64}/g).join('\n')}\n-----END PUBLIC KEY-----`;
  const reply = await fetch(`${address}/token`, { method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ grant_type: 'authorization_code', code: given, public_key: pem, scopes: ['ACCESS_DB'] }) });
  return (await reply.json()).claims?.sub;
}, [broker, code]);

await inBrowser('popup', async (page, context) => {
  let popup = await open(page, app);
  let closed = popup.waitForEvent('close');
  await popup.getByText('alice@demo.local').click();
  const [message, ...more] = await said(page);
  await closed;
  ok(message.origin === broker, 'the opener is told by the broker');
  const { code, ...rest } = message.data;
  ok(JSON.stringify(rest, Object.keys(rest).sort()) === JSON.stringify({ provider: 'demo', state, type: 'dexie:oauthResult' }),
    "in the contract's words, with the client's own state");
  ok(/^[\w-]{64}$/.test(code) && more.length === 0, 'once, with a code');
  ok(await page.evaluate(() => window.popup.closed), 'and the window has closed');
  ok(await redeem(page, code) === 'demo:alice@demo.local', 'the code is good at the opener');

  popup = await open(page, app, '&delivery=popup');
  closed = popup.waitForEvent('close');
  await popup.evaluate((address) => {
    location.href = `${address}?error=access_denied&state=${new URLSearchParams(location.search).get('state')}`;
  }, `${broker}/oauth/callback/demo`);
  const [failure] = await said(page);
  await closed;
  ok(failure.origin === broker && /access_denied/.test(failure.data.error) && failure.data.code === undefined
    && failure.data.state === state && failure.data.type === 'dexie:oauthResult', 'a refusal is told the same way');

  // The browser compares the target. What it had let pass would stand before what is posted later.
  popup = await open(page, stranger);
  closed = popup.waitForEvent('close');
  const posting = callbackOf(popup);
  await popup.getByText('alice@demo.local').click();
  const status = (await posting).status();
  await closed;
  await page.evaluate(() => window.postMessage('the last', '*'));
  const heard = await said(page);
  ok(status === 200 && heard.length === 1 && heard[0].data === 'the last',
    'an opener on another origin than the one that was captured is told nothing');

  // No opener: another tab, or a browser that has cut it.
  await page.goto(`${app}/opener.html`);
  const opened = context.waitForEvent('page');
  await page.evaluate((address) => window.signIn(address, 'noopener'), wish('&delivery=popup'));
  const alone = await opened;
  const answer = callbackOf(alone);
  await alone.getByText('alice@demo.local').click();
  const spent = JSON.parse((await (await answer).text()).match(/id="data">(.*?)<\/script>/s)[1]).message.code;
  await alone.getByText('Please return to the application.').waitFor();
  await shoot(alone, 'popup-alone');
  const left = await alone.content();
  ok(/^[\w-]{64}$/.test(spent) && !left.includes(spent), 'without an opener the page says where to go, and holds no code');
  ok(!alone.url().includes(spent) && (await told(page)).length === 0, '  nor its address, and nobody is told');
});
