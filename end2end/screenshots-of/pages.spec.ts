// Draws every page into end2end/screenshots, for eyes: both themes, wide and narrow.
import { ADMIN, go, test } from '../story';
import { furnish } from '../pages';

test('every page', async ({ workplace, visit }) => {
  test.setTimeout(900_000);
  const { paths, plain } = await furnish(workplace);
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1440, 390]) {
      const page = await visit(ADMIN, { colorScheme, viewport: { width, height: 900 } });
      for (const path of paths) {
        await go(page, path);
        const name = plain(path).replace(/^\//, '').replace('?tab=', '-').replaceAll('/', '-');
        await page.screenshot({ path: `screenshots/${colorScheme}-${width}/${name}.png`, fullPage: true });
      }
    }
  }
});
