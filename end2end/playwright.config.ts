// How the browser stories run: on the release binary, in Debian's Chromium.
import { defineConfig } from '@playwright/test';

export const chromium = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

export default defineConfig({
  testDir: 'tests',
  // Stories share one portal, and the machine may be small.
  workers: 1,
  // Patience costs nothing where all is well, and other tests may be busy beside these.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    launchOptions: chromium,
    locale: 'en-GB',
    viewport: { width: 1280, height: 800 },
    screenshot: 'only-on-failure',
    // A trace pictures every step, which takes more than the steps themselves: TRACE=1 for looking into a failure.
    trace: process.env.TRACE ? 'retain-on-failure' : 'off',
  },
});
