// SPDX-License-Identifier: Apache-2.0
//
// Drives Chromium for the tests: one JSON request a line on stdin, one JSON reply a line on stdout.
//
//     {"id": 1, "verb": "open", ...}  ->  {"id": 1, "result": ...} or {"id": 1, "error": "..."}

import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const here = new URL('./', import.meta.url);
const browsers = new Map();
const pages = new Map();

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
  // Pages in the background would get their timers and audio throttled.
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
];

async function launch({ browser, executable, voice, names, profile }) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executable,
    headless: true,
    args: [
      ...FLAGS,
      `--use-file-for-fake-audio-capture=${voice}`,
      `--host-resolver-rules=${names}`,
    ],
  });
  browsers.set(browser, context);
  return true;
}

// The page comes out of this process under an https name: a secure context without a web server.
async function serve(page, origin) {
  const files = { '/': ['page.html', 'text/html'], '/app.js': ['dist/app.js', 'text/javascript'] };
  await page.route(`${origin}/**`, async (route) => {
    const file = files[new URL(route.request().url()).pathname];
    if (!file) return route.fulfill({ status: 404 });
    return route.fulfill({ body: await readFile(new URL(file[0], here)), contentType: file[1] });
  });
}

async function open({ browser, page, origin }) {
  const context = browsers.get(browser);
  // The documentation prefix of IPv6 counts as a local network for Chromium.
  const permissions = ['microphone', 'camera', 'local-network-access'];
  await context.grantPermissions(permissions, { origin });
  const tab = await context.newPage();
  const lines = [];
  tab.on('console', (message) => lines.push(message.text()));
  tab.on('pageerror', (error) => lines.push(`error: ${error}`));
  await serve(tab, origin);
  await tab.goto(`${origin}/`);
  pages.set(page, { tab, lines });
  return true;
}

async function phone({ page, method, argument }) {
  const call = ([name, value]) => window.phone[name](value);
  return pages.get(page).tab.evaluate(call, [method, argument]);
}

const verbs = {
  launch,
  open,
  phone,
  console: async ({ page }) => pages.get(page).lines,
  close: async ({ page }) => {
    await pages.get(page).tab.close();
    return pages.delete(page);
  },
  quit: async ({ browser }) => {
    await browsers.get(browser).close();
    return browsers.delete(browser);
  },
};

async function handle(line) {
  const request = JSON.parse(line);
  let reply;
  try {
    reply = { id: request.id, result: (await verbs[request.verb](request)) ?? null };
  } catch (error) {
    reply = { id: request.id, error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

const input = createInterface({ input: process.stdin });
input.on('line', handle);
input.on('close', async () => {
  await Promise.allSettled([...browsers.values()].map((context) => context.close()));
  process.exit(0);
});
