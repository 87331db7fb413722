// Draws every page into end2end/screenshots, for eyes: both themes, wide and narrow.
import { ADMIN, go, test } from '../story';
import { FILE_SERVER } from '../api';
import { pages } from '../pages';

test('every page', async ({ workplace, visit }) => {
  test.setTimeout(600_000);
  const team = await workplace.team({ may: 'member', val: 'viewer' });
  const api = workplace.admin;
  await api.addCommand('page-files', 'Files', FILE_SERVER);
  const running = await api.launch(team.name, 'page-files', 'churn-model');
  const stopped = await api.launch(team.name, 'page-files', 'first-look');
  await api.until(team.name, running.id, ['ready']);
  await api.call('notebooks/stop', { team: team.name, id: stopped.id });
  await api.until(team.name, stopped.id, ['stopped']);
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1440, 390]) {
      const page = await visit(ADMIN, { colorScheme, viewport: { width, height: 900 } });
      for (const path of pages(team.name, [running.id, stopped.id])) {
        await go(page, path);
        const name = path.replace(running.id, 'running').replace(stopped.id, 'stopped').replace(`/t/${team.name}`, 'team').replace(/^\//, '');
        await page.screenshot({ path: `screenshots/${colorScheme}-${width}/${name.replaceAll('/', '-')}.png`, fullPage: true });
      }
    }
  }
});
