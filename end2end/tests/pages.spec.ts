// Every page, in both themes and at every width: nothing for axe to find, nothing to scroll sideways, no error in the console, and a way through it
// for the keyboard. A page is loaded once and then looked at in all these ways.
import { Page } from '@playwright/test';
import { ADMIN, accessibilityFindings, expect, go, test } from '../story';
import { furnish } from '../pages';

const DESK = { width: 1280, height: 800 };

test.afterAll(({ workplace }) => workplace.giveBack());

/** One heading of the first level, and a title. */
async function heading(page: Page): Promise<string[]> {
  await expect(page.getByRole('heading', { level: 1 })).not.toHaveCount(0);
  const count = await page.getByRole('heading', { level: 1 }).count();
  const title = await page.title();
  return [...(count === 1 ? [] : [`${count} headings of the first level`]), ...(/Slipway/.test(title) ? [] : [`the title is "${title}"`])];
}

/** Goes over to the theme, and waits until it is painted: between two themes a colour may be of the one and its ground of the other. */
async function turn(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    await frame();
    await frame();
    const ends = (animation: Animation) => animation.effect?.getComputedTiming().endTime !== Infinity;
    await Promise.allSettled(document.getAnimations().filter(ends).map((animation) => animation.finished));
  });
}

/** The document is the same in both themes, so that in the second only its colours are looked at. */
async function accessible(page: Page): Promise<string[]> {
  const light = await accessibilityFindings(page);
  await turn(page, 'dark');
  const dark = await accessibilityFindings(page, ['color-contrast', 'link-in-text-block']);
  await turn(page, 'light');
  return [...light, ...dark.map((finding) => `dark: ${finding}`)];
}

async function sideways(page: Page): Promise<string[]> {
  const wide: string[] = [];
  for (const width of [1920, 768, 390, 360]) {
    await page.setViewportSize({ width, height: 844 });
    const extra = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (extra > 0) wide.push(`${extra} px too wide at ${width} px`);
  }
  await page.setViewportSize(DESK);
  return wide;
}

/** Presses Tab through the whole page; what got the focus without being seen, or without showing that it has it. */
async function tour(page: Page): Promise<string[]> {
  await page.evaluate(() => {
    const looks = (element: Element) => {
      // What shows the focus is the element, or something around or beside it.
      const around = [element, element.nextElementSibling, element.parentElement, element.parentElement?.parentElement, element.closest('label, li, tr, .search'), element.querySelector(':scope > g > rect')];
      return around.map((one) => {
        // What holds the focus now may look different for that.
        if (!one || (one !== element && element !== document.activeElement && one.contains(document.activeElement))) return undefined;
        const style = getComputedStyle(one);
        return [style.outlineStyle, style.outlineColor, style.boxShadow, style.borderColor, style.backgroundColor, style.textDecoration, style.opacity, style.stroke, style.strokeWidth].join(' ');
      });
    };
    const memory = { findings: [] as string[], stops: 0, over: false };
    let before: { element: Element; looks: (string | undefined)[]; name: string } | undefined;
    const leave = () => {
      const same = before?.element.isConnected && looks(before.element).every((look, i) => look === undefined || look === before?.looks[i]);
      if (before && same) memory.findings.push(`${before.name} does not show that it has the focus`);
    };
    let first: Element | undefined;
    // A date is one element with several stops; the focus comes to the element once.
    document.addEventListener('focusin', (event) => {
      const element = event.target as Element;
      if (memory.over || element === before?.element) return;
      leave();
      // Round again: it was out of the page in between.
      memory.over = element === first;
      if (memory.over) return;
      first ??= element;
      memory.stops++;
      const name = `${element.tagName.toLowerCase()} "${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}" ${element.getAttribute('name') ?? ''}`;
      before = { element, looks: looks(element), name };
      const box = element.getBoundingClientRect();
      const beside = element.closest('label')?.getBoundingClientRect() ?? box;
      if (!((box.width > 1 && box.height > 1) || (beside.width > 1 && beside.height > 1))) memory.findings.push(`${name} has the focus and is not seen`);
    });
    document.addEventListener('focusout', (event) => {
      if (memory.over || event.relatedTarget) return;
      // Out of the page: what had the focus last has lost it by the next turn.
      setTimeout(() => {
        if (document.activeElement !== document.body) return;
        leave();
        memory.over = true;
      });
    });
    Object.assign(window, { tour: memory });
  });
  const look = () => page.evaluate(() => (window as unknown as { tour: { findings: string[]; stops: number; over: boolean } }).tour);
  for (let rounds = 0; rounds < 40; rounds++) {
    for (let presses = 0; presses < 10; presses++) await page.keyboard.press('Tab');
    const { findings, stops, over } = await look();
    if (over) return stops > 0 ? findings : [...findings, 'the keyboard reaches nothing'];
  }
  return [...(await look()).findings, 'the keyboard does not get out again'];
}

test('every page has one heading, nothing for axe in either theme, fits every width, and lets the keyboard through', async ({ visit, workplace }) => {
  // Some fifty pages, each in every way.
  test.setTimeout(900_000);
  const { paths } = await furnish(workplace);
  test.setTimeout(paths.length * 60_000);
  const options = { colorScheme: 'light', reducedMotion: 'reduce', viewport: DESK } as const;
  const findings: string[] = [];
  const look = async (page: Page, path: string) => {
    await go(page, path);
    for (const way of [heading, accessible, sideways, tour]) findings.push(...(await way(page)).map((finding) => `${path}: ${finding}`));
  };
  const page = await visit(ADMIN, options);
  for (const path of paths) await look(page, path);
  await look(await visit(undefined, options), '/sign-in');
  expect(findings).toEqual([]);
});
