// Draws what pages look like when they are empty, busy, failing, or when nothing matches, into end2end/screenshots: both themes, wide and narrow.
import { Page } from '@playwright/test';
import { PYTHON } from '../slipway';
import { ADMIN, go, test } from '../story';
import { furnish } from '../pages';

test('every state', async ({ workplace, visit, watch }) => {
  // What is not there, or not right, is what this is about.
  watch.allow(/status of 4/);
  test.setTimeout(900_000);
  const { team, paths, plain } = await furnish(workplace);
  const full = `/t/${team.name}`;
  const bare = `/t/${(await workplace.team()).name}`;
  const api = workplace.admin;
  await api.addCommand('broken', 'Broken', [PYTHON, '-c', 'print("no such dataset"); raise SystemExit(3)', '{port}']);
  await api.addCommand('slow', 'Slow', [PYTHON, '-c', 'import time; time.sleep(600)', '{port}']);
  const failed = await api.launch(team.name, 'broken', 'fails-at-once');
  const busy = await api.launch(team.name, 'slow', 'takes-its-time');
  await api.until(team.name, failed.id, ['failed']);
  await api.until(team.name, busy.id, ['starting']);
  const experiment = paths.find((path) => /\/experiments\/[^0]/.test(path)) ?? '';
  const run = paths.find((path) => /\/runs\/[^?]+$/.test(path)) ?? '';
  const states: [string, string, ((page: Page) => Promise<void>)?][] = [
    ...['', '/notebooks', '/experiments', '/experiments/0', '/volumes', '/audit'].map((path): [string, string] => [`empty${path}`, bare + path]),
    ['busy/home', full],
    ['busy/notebooks', `${full}/notebooks`],
    ['busy/notebook', `${full}/notebooks/${busy.id}`],
    ['failing/notebook', `${full}/notebooks/${failed.id}`],
    ['failing/logs', `${full}/notebooks/${failed.id}?tab=logs`],
    ['failing/no-such-notebook', `${full}/notebooks/nosuchnotebook`],
    ['failing/no-such-team', '/t/nobody-has-this'],
    ['failing/no-such-page', '/nothing/here'],
    ['failing/filter', `${experiment}?filter=${encodeURIComponent('metrics.loss < and')}`],
    [
      'failing/launch',
      `${full}/notebooks/new`,
      async (page) => {
        await page.getByLabel('Name', { exact: true }).fill('Not a Name!');
        await page.getByLabel('Memory').fill('100000');
        await page.getByRole('button', { name: 'Launch notebook' }).click();
      },
    ],
    [
      'failing/sign-in',
      '/sign-in',
      async (page) => {
        await page.getByLabel('Email').fill('ada@example.com');
        await page.getByLabel('Password', { exact: true }).fill('not the password');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('alert').first().waitFor();
      },
    ],
    ...['/notebooks', '/experiments', '/volumes', '/members'].map((path): [string, string] => [`nothing${path}`, `${full}${path}?q=zzz`]),
    ...['/admin/environments', '/admin/users', '/admin/access', '/admin/teams', '/account/tokens', '/account/sessions'].map((path): [string, string] => [`nothing${path}`, `${path}?q=zzz`]),
    ['nothing/runs', `${experiment}?filter=${encodeURIComponent("params.max_depth = '99'")}`],
    ['nothing/metrics', `${run}?tab=metrics&q=zzz`],
    ['nothing/audit', `${full}/audit?actor=zzz`],
  ];
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1440, 390]) {
      const options = { colorScheme, viewport: { width, height: 900 } };
      const [page, stranger] = [await visit(ADMIN, options), await visit(undefined, options)];
      for (const [name, path, act] of states) {
        const on = path === '/sign-in' ? stranger : page;
        await go(on, path);
        await act?.(on);
        await on.screenshot({ path: `screenshots/${colorScheme}-${width}/state-${plain(name).replaceAll('/', '-')}.png`, fullPage: true });
      }
    }
  }
  await api.call('notebooks/stop', { team: team.name, id: busy.id });
});
