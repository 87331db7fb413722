// Every page, in both themes and on a phone: nothing for axe to find, nothing to scroll sideways, no error in the console.
import { Page } from '@playwright/test';
import { ADMIN, accessibilityFindings, expect, go, test } from '../story';
import { furnish } from '../pages';

test.afterAll(({ workplace }) => workplace.giveBack());

let paths: string[];

test.beforeAll(async ({ workplace }) => {
  ({ paths } = await furnish(workplace));
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

/** Presses Tab through the whole page; what got the focus without being seen, or without showing that it has it. */
async function tour(page: Page): Promise<string[]> {
  const findings: string[] = [];
  for (let presses = 0; ; presses++) {
    if (presses > 400) return [...findings, 'the keyboard does not get out again'];
    await page.keyboard.press('Tab');
    const found = await page.evaluate(() => {
      const looks = (element: Element) => {
        // What shows the focus is the element, or something around or beside it.
        const around = [element, element.nextElementSibling, element.parentElement, element.parentElement?.parentElement, element.closest('label, li, tr, .search')];
        return around.map((one) => {
          // What holds the focus now may look different for that.
          if (!one || (one !== element && element !== document.activeElement && one.contains(document.activeElement))) return undefined;
          const style = getComputedStyle(one);
          return [style.outlineStyle, style.outlineColor, style.boxShadow, style.borderColor, style.backgroundColor, style.textDecoration, style.opacity].join(' ');
        });
      };
      const memory = window as unknown as { tour?: { element: Element; looks: (string | undefined)[]; name: string } };
      // A date is one element with several stops; at the first of them it shows the focus itself, later the stop does.
      if (memory.tour && memory.tour.element === document.activeElement) return { over: false, dull: '', hidden: '' };
      const before = memory.tour;
      const same = before?.element.isConnected && looks(before.element).every((look, i) => look === undefined || look === before.looks[i]);
      const dull = before && same ? `${before.name} does not show that it has the focus` : '';
      const element = document.activeElement;
      if (!element || element === document.body) return { over: true, dull, hidden: '' };
      const name = `${element.tagName.toLowerCase()} "${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}" ${element.getAttribute('name') ?? ''}`;
      memory.tour = { element, looks: looks(element), name };
      const box = element.getBoundingClientRect();
      const beside = element.closest('label')?.getBoundingClientRect() ?? box;
      const seen = (box.width > 1 && box.height > 1) || (beside.width > 1 && beside.height > 1);
      return { over: false, dull, hidden: seen ? '' : `${name} has the focus and is not seen` };
    });
    findings.push(...[found.dull, found.hidden].filter(Boolean));
    if (found.over) return findings;
  }
}

test('the keyboard gets everywhere on every page, and one sees where it is', async ({ visit }) => {
  const page = await visit(ADMIN, { reducedMotion: 'reduce' });
  const findings: string[] = [];
  for (const path of paths) {
    await go(page, path);
    findings.push(...(await tour(page)).map((finding) => `${path}: ${finding}`));
  }
  expect(findings).toEqual([]);
});
