// bundle.mjs OUTPUT_FOLDER: the page of the real client, in one script.
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const require = createRequire(new URL('../node/package.json', import.meta.url));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const [output] = process.argv.slice(2);

mkdirSync(output, { recursive: true });
await require('esbuild').build({
  entryPoints: [here('dexie_page.js')],
  outdir: output,
  bundle: true,
  format: 'iife',
  platform: 'browser',
  nodePaths: [here('../node/node_modules')],
  logLevel: 'error',
});
copyFileSync(here('dexie.html'), join(output, 'index.html'));
