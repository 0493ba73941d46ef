// The pages that people see: the chooser and an error, light and dark, by keyboard and without script.
import { inBrowser, ok, shoot } from './browser.mjs';

const base = process.argv[2];
const wish = `redirect_uri=${encodeURIComponent('https://app.example.com/deep?x=1')}`;
const chooser = `${base}/oauth/login?${wish}`;
const error = `${base}/oauth/callback/demo?code=x&state=x`;
const refused = `${base}/oauth/login/demo?redirect_uri=${encodeURIComponent('https://elsewhere.example/')}`;

// WCAG 2.2 1.4.3: of every text that is shown, the lowest contrast to what lies behind it.
const contrast = () => {
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const ratios = [...document.querySelectorAll('h1,p,span,small,code')].map((node) => {
    const [a, b] = [luminance(parse(getComputedStyle(node).color)), luminance(behind(node))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
  return Math.min(...ratios);
};

await inBrowser('pages', async (page) => {
  const problems = [];
  page.on('console', (message) => { if (/Content Security Policy/.test(message.text())) problems.push(message.text()); });

  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.goto(chooser);
    ok(await page.evaluate(() => [...document.images].every((image) => image.complete && image.naturalWidth > 0)),
      `the icons of the chooser load, ${colorScheme}`);
    ok(await page.evaluate(contrast) >= 4.5, '  its text is readable');
    await shoot(page, `chooser-${colorScheme}`);
    await page.goto(error);
    ok(await page.evaluate(contrast) >= 4.5, `the text of the error page is readable, ${colorScheme}`);
    await shoot(page, `error-${colorScheme}`);
    await page.goto(refused);
    ok(await page.evaluate(contrast) >= 4.5, `so is that of a login that is refused, ${colorScheme}`);
    ok(/Reference: redirect_not_allowed\n[0-9a-f]{32}$/.test(await page.innerText('main')), '  which has a reference for the log');
    await shoot(page, `refused-${colorScheme}`);
  }
  ok(problems.length === 0, 'their policies stop nothing of their own');

  await page.goto(chooser);
  const links = await page.locator('a').evaluateAll((all) => all.map((link) => link.href));
  const reached = [];
  for (let i = 0; i < links.length; i += 1) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => document.activeElement.href));
  }
  ok(links.length >= 5 && JSON.stringify(reached) === JSON.stringify(links), 'the Tab key reaches every provider in order');
  ok(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle) === 'solid', '  and shows where it is');
  await shoot(page, 'chooser-focus');
  const tree = await page.locator('body').ariaSnapshot();
  ok(/heading "Sign in" \[level=1\]/.test(tree) && /list:/.test(tree) && /link "Sign in with Demo"/.test(tree)
    && !/img/.test(tree), 'a screen reader hears a heading and a list of links, and no icon');
  await page.setViewportSize({ width: 320, height: 480 });
  ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320), 'nothing is cut off on a small screen');
  await shoot(page, 'chooser-small');
});

await inBrowser('chooser-no-script', async (page) => {
  await page.goto(chooser);
  await page.getByText('Sign in with Demo').click();
  await page.waitForURL(/\/oauth\/demo\//);
  ok(await page.getByText('alice@demo.local').isVisible(), 'without script a choice leads to the provider');
}, { javaScriptEnabled: false });
