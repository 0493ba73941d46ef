// The real client signs in by a code that comes by e-mail.
import { inBrowser, ok, shoot } from './browser.mjs';
import { login, mailTo, places, settled, signedIn, user } from './app.mjs';

const address = 'carol@example.com';

await inBrowser('dexie-email', async (page) => {
  const answers = [];
  page.on('response', async (response) => {
    if (response.url() === `${places.base}/token` && response.request().method() === 'POST') answers.push(response.status());
  });
  await page.goto(places.app);
  await settled(page);
  await page.click('#login');
  await page.getByText('Continue with email').click();
  await page.fill('input[name=email]', address);
  await page.keyboard.press('Enter');
  await page.locator('input[name=otp]').waitFor();
  const mail = await mailTo(address);
  ok(/^[A-Z0-9]{8}$/.test(mail.otp), 'a code of 8 symbols is mailed, and asked for');
  await shoot(page, 'dexie-otp');

  await page.fill('input[name=otp]', mail.otp.startsWith('AAAA') ? 'BBBBBBBB' : 'AAAAAAAA');
  const complaint = page.locator('.dxc-login-dlg p').nth(1);
  await complaint.waitFor();
  ok(!/[{}]/.test(await complaint.innerText()), `a wrong one is asked for again: ${await complaint.innerText()}`);
  await shoot(page, 'dexie-otp-wrong');

  await page.fill('input[name=otp]', mail.otp.toLowerCase());
  await signedIn(page);
  const { userId, email } = await user(page);
  ok(userId === `email:${address}` && email === address, `the right one signs in, as the dialog spells it: ${userId}`);
  ok((await login(page)).refreshToken, '  with tokens like everybody');
  ok(answers.join() === '200,401,200', '  sent, refused, accepted');
});
