// Debian's Chromium by remote control, with a fresh profile and no chatter of its own.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(new URL('../node/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const artifacts = process.env.E2E_ARTIFACTS;

export async function shoot(page, name) {
  await page.screenshot({ path: join(artifacts, `${name}.png`) });
}

// Runs `story(page)`; a failure leaves a screenshot as `name`, and so does the end. `settings` are
// those of playwright's contexts.
export async function inBrowser(name, story, settings = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'oauth-chromium-'));
  mkdirSync(artifacts, { recursive: true });
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.E2E_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS,
    ...settings,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(60000);
  page.on('pageerror', (error) => console.log(`# page: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') console.log(`# console: ${message.text()}`);
  });
  try {
    await story(page, context);
  } catch (error) {
    console.log(`not ok - ${name}: ${error.message.replaceAll('\n', '\n# ')}`);
    console.log(`# at ${page.url()}`);
    process.exitCode = 1;
  } finally {
    await shoot(page, name).catch(() => {});
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

let count = 0;

export function ok(condition, text) {
  count += 1;
  console.log(`${condition ? 'ok' : 'not ok'} ${count} - ${text}`);
  if (!condition) process.exitCode = 1;
}
