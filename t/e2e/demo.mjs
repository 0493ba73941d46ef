// The demo page as a visitor uses it.
import { inBrowser, ok } from './browser.mjs';

const base = process.argv[2];

await inBrowser('demo', async (page) => {
  const answer = async () => {
    await page.click('#call');
    await page.waitForFunction(() => /^\d{3} /.test(document.querySelector('#answer').textContent));
    const text = await page.textContent('#answer');
    await page.evaluate(() => { document.querySelector('#answer').textContent = ''; });
    return text;
  };

  await page.goto(base);
  await page.waitForSelector('#signed-out:not([hidden])');
  ok(/^401 .*\nWWW-Authenticate: Bearer/.test(await answer()), 'without a token the backend is out of reach');

  await page.click('button[data-provider=demo]');
  await page.waitForURL(/\/oauth\/demo\//);
  await page.getByText('alice@example.com').first().click();
  await page.waitForSelector('#signed-in:not([hidden])');
  ok((await page.textContent('#who')) === 'Alice Example', 'the page shows who is signed in');
  ok(page.url() === base, 'the code has left the address bar');

  const hello = await answer();
  ok(/^200 /.test(hello) && hello.includes('"hello": "demo:'), 'with a token the backend hears who calls');

  await page.reload();
  await page.waitForSelector('#signed-in:not([hidden])');
  await page.click('#sign-out');
  ok(/^401 /.test(await answer()), 'after signing out the backend is out of reach again');
});
