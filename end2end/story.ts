// What every story starts from: a portal with an administrator, people with browsers, and no console error left unseen.
import AxeBuilder from '@axe-core/playwright';
import { BrowserContext, BrowserContextOptions, Locator, Page, test as base, expect } from '@playwright/test';
import { Api } from './api';
import { PASSWORD, Slipway } from './slipway';

export { expect, PASSWORD, Slipway };
export const ADMIN = 'ada@example.com';

export type Role = 'viewer' | 'member' | 'admin';
export interface Team {
  name: string;
  /** A member's address. */
  email: (who: string) => string;
}
type Session = Awaited<ReturnType<BrowserContext['storageState']>>;

/** A portal that the stories of one worker share, with the sign-ins made so far. */
export class Workplace {
  private sessions = new Map<string, Session>();
  private count = 0;
  private teams: string[] = [];
  private constructor(
    readonly portal: Slipway,
    /** The administrator's own calls. */
    readonly admin: Api,
  ) {}

  static async open(): Promise<Workplace> {
    const portal = await Slipway.start();
    return new Workplace(portal, await Api.setUp(portal.url, portal.code(), ADMIN));
  }

  async close(): Promise<void> {
    await this.admin.dispose();
    await this.portal.dispose();
  }

  /** A team of its own, which the administrator is in, with these members; their accounts are made. */
  async team(members: Record<string, Role> = {}): Promise<Team> {
    const name = `team-${++this.count}`;
    const email = (who: string) => `${who}-${name}@example.com`;
    await this.admin.call('teams/create', { name });
    this.teams.push(name);
    for (const [who, role] of Object.entries(members)) {
      await this.admin.call('identity/add_user', { email: email(who), name: who, password: PASSWORD, admin: false });
      await this.admin.call('teams/set_member', { team: name, email: email(who), role });
    }
    return { name, email };
  }

  /** Stops what the stories so far have left running, so that the next ones find the machine's CPUs free. */
  async giveBack(): Promise<void> {
    for (const team of this.teams.splice(0)) {
      const running = (await this.admin.notebooks(team)).filter((notebook) => !['stopped', 'failed'].includes(notebook.phase));
      for (const { id } of running) await this.admin.call('notebooks/stop', { team, id });
      for (const { id } of running) await this.admin.until(team, id, ['stopped', 'failed']);
    }
  }

  /** The cookies of this person's sign-in: one for each person, since sign-ins are throttled. */
  async session(email: string): Promise<Session> {
    let session = this.sessions.get(email);
    if (!session) {
      const api = await Api.signIn(this.portal.url, email);
      session = await api.storageState();
      await api.dispose();
      this.sessions.set(email, session);
    }
    return session;
  }
}

/** Console errors and broken content policies on the portal's own pages. */
export class Watch {
  readonly found: string[] = [];
  private allowed: RegExp[] = [];
  constructor(private origin: string) {}

  over(context: BrowserContext): void {
    context.on('console', (message) => {
      const page = message.page()?.url() ?? '';
      if (message.type() === 'error' && page.startsWith(`${this.origin}/`)) this.found.push(`${page}: ${message.text()} (${message.location().url})`);
    });
    context.on('weberror', (error) => {
      if (error.page()?.url().startsWith(`${this.origin}/`)) this.found.push(`${error.page()?.url()}: ${error.error().stack}`);
    });
  }

  /** The story causes this error on purpose. */
  allow(pattern: RegExp): void {
    this.allowed.push(pattern);
  }

  unexpected(): string[] {
    return this.found.filter((text) => !this.allowed.some((pattern) => pattern.test(text)));
  }
}

interface Story {
  watch: Watch;
  /** A browser of its own for this person, signed in; without an email for somebody who is not. */
  visit: (email?: string, options?: BrowserContextOptions) => Promise<Page>;
}

export const test = base.extend<Story, { workplace: Workplace }>({
  workplace: [
    async ({}, use) => {
      const workplace = await Workplace.open();
      await use(workplace);
      await workplace.close();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  watch: async ({ workplace }, use, info) => {
    const watch = new Watch(workplace.portal.url);
    await use(watch);
    if (info.status === info.expectedStatus) expect(watch.unexpected(), 'errors on the portal’s pages').toEqual([]);
    else console.log('errors on the portal’s pages:', watch.unexpected(), '\nlast words of the portal:', workplace.portal.console().slice(-6000));
  },
  visit: async ({ browser, workplace, watch }, use) => {
    const opened: BrowserContext[] = [];
    await use(async (email, options = {}) => {
      const storageState = email ? await workplace.session(email) : undefined;
      const context = await browser.newContext({ baseURL: workplace.portal.url, storageState, ...options });
      opened.push(context);
      watch.over(context);
      return context.newPage();
    });
    for (const context of opened) await context.close();
  },
});

/** Waits until the page's wasm has taken over; where it does not, says what the page was doing instead. */
export async function ready(page: Page): Promise<void> {
  // By the clock, not by painted frames: a busy machine may paint none.
  const wait = page.waitForFunction(
    () => {
      if (document.getElementById('not-alive')?.hidden === false) throw new Error('the code of the page could not be loaded');
      return document.documentElement.dataset.hydrated !== undefined;
    },
    undefined,
    { polling: 100, timeout: 120_000 },
  );
  await wait.catch(async (error) => {
    const seen = await page.evaluate(() => {
      const files = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
      const late = files.filter((file) => file.responseEnd === 0 || file.responseStatus >= 400).map((file) => `${file.name} ${file.responseStatus}`);
      return { title: document.title, state: document.readyState, visible: document.visibilityState, chunk: document.documentElement.dataset.chunk, files: files.length, late };
    });
    throw new Error(`${page.url()} did not come alive: ${JSON.stringify(seen)}`, { cause: error });
  });
}

/** Goes to a page and waits until it is alive. */
export async function go(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await ready(page);
}

/** How many marks that have all these classes the charts in `part` show: `line`, `line faint`, `band`. */
export async function marks(part: Page | Locator, classes: string): Promise<number> {
  const drawn = await part.locator('canvas').evaluateAll((all) => all.map((canvas) => canvas.dataset.marks ?? ''));
  const each = drawn.flatMap((text) => text.split(', ')).map((text) => text.split(' '));
  const ours = each.filter((words) => classes.split(' ').every((name) => words.slice(1).includes(name)));
  return ours.reduce((sum, [count]) => sum + Number(count), 0);
}

/** The notebook's phase badge. */
export function phase(page: Page, word: string | RegExp) {
  return page.getByRole('status').filter({ hasText: word }).first();
}

/** What axe's rules find, these or all that matter, as readable lines. */
export async function accessibilityFindings(page: Page, rules: string[] = []): Promise<string[]> {
  // Pages have no frames of other sites, for which it would open a page of its own each time; only what is wrong is of interest.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] });
  const { violations } = await (rules.length ? axe.withRules(rules) : axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])).analyze();
  return violations.flatMap((v) => v.nodes.map((node) => `${v.id}: ${node.target.join(' ')}: ${node.failureSummary?.replace(/\s+/g, ' ')}`));
}
