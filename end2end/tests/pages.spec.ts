// Every page, in both themes and on a phone: nothing for axe to find, nothing to scroll sideways, no error in the console.
import { ADMIN, accessibilityFindings, expect, go, test } from '../story';
import { FILE_SERVER } from '../api';
import { pages } from '../pages';

test.afterAll(({ workplace }) => workplace.giveBack());

let paths: string[];

test.beforeAll(async ({ workplace }) => {
  const team = await workplace.team({ may: 'member', val: 'viewer' });
  await workplace.admin.addCommand('page-files', 'Files', FILE_SERVER);
  const api = workplace.admin;
  const running = await api.launch(team.name, 'page-files', 'running');
  const stopped = await api.launch(team.name, 'page-files', 'stopped');
  await api.until(team.name, running.id, ['ready']);
  await api.call('notebooks/stop', { team: team.name, id: stopped.id });
  await api.until(team.name, stopped.id, ['stopped']);
  paths = pages(team.name, [running.id, stopped.id]);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing on any page, ${colorScheme}`, async ({ visit }) => {
    const page = await visit(ADMIN, { colorScheme, reducedMotion: 'reduce' });
    const stranger = await visit(undefined, { colorScheme, reducedMotion: 'reduce' });
    const findings: string[] = [];
    for (const path of paths) {
      await go(page, path);
      findings.push(...(await accessibilityFindings(page)).map((finding) => `${path}: ${finding}`));
    }
    await go(stranger, '/sign-in');
    findings.push(...(await accessibilityFindings(stranger)).map((finding) => `/sign-in: ${finding}`));
    expect(findings).toEqual([]);
  });
}

for (const width of [360, 390, 768, 1920]) {
  test(`no page scrolls sideways at ${width} pixels`, async ({ visit }) => {
    const page = await visit(ADMIN, { viewport: { width, height: 844 } });
    const wide: string[] = [];
    for (const path of paths) {
      await go(page, path);
      const extra = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (extra > 0) wide.push(`${path}: ${extra} px`);
    }
    expect(wide).toEqual([]);
  });
}

test('every page has one heading of the first level and a title', async ({ visit }) => {
  const page = await visit(ADMIN);
  for (const path of paths) {
    await go(page, path);
    await expect(page.getByRole('heading', { level: 1 }), path).toHaveCount(1);
    expect(await page.title(), path).toMatch(/Slipway/);
  }
});
