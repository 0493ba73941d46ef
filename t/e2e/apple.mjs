// A sign-in by Apple: its page posts the answer from another site, without the broker's cookie.
import { inBrowser, ok } from './browser.mjs';

const base = process.argv[2];
const app = 'https://app.example.com/x';

await inBrowser('apple', async (page) => {
  const back = [];
  page.on('request', (request) => { if (request.url().startsWith(`${base}/oauth/callback/`)) back.push(request); });

  // Nobody serves the application: where the browser is sent last is enough.
  const end = page.waitForResponse((response) => response.headers().location?.startsWith(app));
  await page.goto(`${base}/oauth/login/apple?redirect_uri=${encodeURIComponent(app)}`).catch(() => {});
  const target = new URL((await end).headers().location);
  const answer = JSON.parse(Buffer.from(target.searchParams.get('dxc-auth'), 'base64url'));
  ok(/^[\w-]{64}$/.test(answer.code) && answer.provider === 'apple', 'the application gets a code');

  const [post, get] = await Promise.all(back.map(async (request) => [request.method(), await request.allHeaders()]));
  ok(back.length === 2, 'the browser came back twice');
  ok(post[0] === 'POST' && post[1].cookie === undefined, 'by a POST from another site, which carries no cookie');
  ok(get[0] === 'GET' && /^oauth-[0-9a-f]{8}=/.test(get[1].cookie), 'and by a GET, which does');
  ok(get[1].referer === undefined, 'and says not where it comes from');
});
