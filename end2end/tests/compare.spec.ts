// Runs that MLflow's own client logs, compared: fifty of them with groups and as files, and one while it trains.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Page } from '@playwright/test';
import { ADMIN, accessibilityFindings, expect, go, marks, test, type Workplace } from '../story';

test.afterAll(({ workplace }) => workplace.giveBack());

/** Python with MLflow's client, which it installs on first use. */
const PYTHON = resolve(__dirname, '../../scripts/mlflow-client.sh');

interface Trained {
  experiment: string;
  runs: { run: string; name: string; rate: string; losses: number[] }[];
}

/** Somebody who watches the training: is asked before each epoch, and hears when its point is logged, in milliseconds since 1970. */
interface Watcher {
  next: (run: string, epoch: number) => Promise<void>;
  logs: (at: number) => void;
}

/** Trains so many runs with MLflow's client. */
async function train(workplace: Workplace, team: string, experiment: string, runs: number, epochs: number, watcher?: Watcher): Promise<Trained> {
  const [, token] = await workplace.admin.call<[unknown, string]>('identity/create_token', { new: { name: 'training', team, role: 'member', days: 1 } });
  const script = resolve(__dirname, '../mlflow/training_client.py');
  const given = [script, workplace.portal.url, token, experiment, String(runs), String(epochs), ...(watcher ? ['asked'] : [])];
  const started = spawn(PYTHON, given, { env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', GIT_PYTHON_REFRESH: 'quiet' } });
  let complaints = '', trained: Trained | undefined;
  started.stderr.on('data', (text) => (complaints += text));
  const ended = new Promise<number | null>((done) => started.once('close', done));
  try {
    for await (const line of createInterface({ input: started.stdout })) {
      const said = line.startsWith('{') ? JSON.parse(line) : {};
      if (said.runs) trained = said;
      if (said.at) watcher?.logs(said.at);
      if (said.next !== undefined) {
        await watcher?.next(said.run, said.next);
        started.stdin.write('\n');
      }
    }
  } finally {
    started.stdin.end();
    started.kill();
  }
  expect(await ended, complaints).toBe(0);
  return trained!;
}

/** What a link downloads. */
async function downloaded(page: Page, link: string): Promise<string> {
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: link }).click();
  return readFileSync(await (await download).path(), 'utf8');
}

test('fifty runs of MLflow’s client are compared, grouped, and kept as files with every point', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const { experiment, runs } = await train(workplace, team.name, 'fits', 50, 12);
  expect(runs).toHaveLength(50);
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/experiments/${experiment}`);
  await page.getByRole('button', { name: /^Select all/ }).click();
  await page.getByRole('button', { name: 'Compare selected (50)' }).click();
  await expect(page).toHaveURL(/\/compare\?/);
  await expect(page.getByText('50 of 50 runs · 600 points', { exact: true })).toBeVisible();
  await expect.poll(() => marks(page, 'line')).toBe(50);
  const legend = page.getByRole('region', { name: 'Runs', exact: true });
  await expect(legend.getByRole('row')).toHaveCount(51);
  expect(await accessibilityFindings(page)).toEqual([]);

  const rows = (await downloaded(page, 'Download CSV')).trim().split('\n');
  expect(rows[0]).toBe('name,run,x,value,smoothed,low,high');
  const found = new Map<string, number[]>();
  for (const row of rows.slice(1)) {
    const [name, run, x, value] = row.split(',');
    const values = found.get(`${name} ${run}`) ?? [];
    expect(Number(x), `${name} has its steps in order`).toBe(values.length);
    found.set(`${name} ${run}`, [...values, Number(value)]);
  }
  expect(Object.fromEntries(found), 'every point of every run, bit by bit').toEqual(Object.fromEntries(runs.map((run) => [`${run.name} ${run.run}`, run.losses])));
  const svg = await downloaded(page, 'Download SVG');
  const lines = [...svg.matchAll(/<polyline class="line [^"]*" points="([^"]*)"/g)].map(([, points]) => points.split(' '));
  expect(lines).toHaveLength(50);
  expect(Math.min(...lines.map((points) => points.length)), 'points of each line that lie apart').toBeGreaterThan(2);
  expect(Math.max(...lines.map((points) => points.length))).toBe(12);

  await page.getByLabel('Group by').selectOption('params.rate');
  await expect(page.getByText('3 of 3 groups · 50 of 50 runs · 600 points', { exact: true })).toBeVisible();
  await expect.poll(() => marks(page, 'line')).toBe(3);
  await expect.poll(() => marks(page, 'band')).toBe(3);
  await page.getByLabel('Middle').selectOption('median');
  await expect(page).toHaveURL(/middle=median/);
  await expect(legend.getByRole('row', { name: /0\.05.*17 runs/ })).toContainText('204');

  const groups = (await downloaded(page, 'Download CSV')).trim().split('\n').slice(1);
  expect(groups, 'a row for each step of each group').toHaveLength(36);
  for (const row of groups) {
    const [name, , x, middle, , low, high] = row.split(',');
    const values = runs.filter((run) => run.rate === name).map((run) => run.losses[Number(x)]).sort((a, b) => a - b);
    const half = (values.length - 1) / 2;
    expect(Number(middle), `median of ${name} at ${x}`).toBeCloseTo((values[Math.floor(half)] + values[Math.ceil(half)]) / 2, 12);
    expect([Number(low), Number(high)], `ends of ${name} at ${x}`).toEqual([values[0], values.at(-1)]);
  }
  const bands = await downloaded(page, 'Download SVG');
  expect(bands.match(/<polygon class="band /g)).toHaveLength(3);
});

/** From now on when a page tells how many points its chart has. */
async function watched(page: Page): Promise<void> {
  await page.evaluate(() => {
    const told: { text: string; at: number }[] = [];
    Object.assign(window, { told });
    const tell = () => {
      const text = document.querySelector('.chart-count')?.textContent ?? '';
      if (text !== told.at(-1)?.text) told.push({ text, at: Date.now() });
    };
    new MutationObserver(() => requestAnimationFrame(tell)).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
}

/** In words how long it took from when the client began to log a point until the page told of it; the first made so many. */
async function late(page: Page, logged: number[], first: number): Promise<string> {
  const told = await page.evaluate(() => (window as unknown as { told: { text: string; at: number }[] }).told);
  const counts = told.map(({ text, at }) => ({ count: Number(/([\d,]+) points?/.exec(text)?.[1].replaceAll(',', '')), at }));
  const taken = logged.map((at, i) => counts.find(({ count }) => count === first + i)!.at - at).sort((a, b) => a - b);
  return `median ${Math.round(taken[taken.length >> 1])} ms, latest ${Math.round(taken.at(-1)!)} ms of ${taken.length}`;
}

test('a script trains, and the open pages draw each point without a reload', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const { experiment } = await train(workplace, team.name, 'watched', 2, 10);
  const [compared, single] = [await visit(ADMIN), await visit(ADMIN)];
  await go(compared, `/t/${team.name}/compare?experiment=${experiment}`);
  await expect(compared.getByText('2 of 2 runs · 20 points', { exact: true })).toBeVisible();
  await watched(compared);

  const logged: number[] = [];
  /** Both pages show so many points of the run that trains. */
  const shown = async (points: number) => {
    const words = points === 1 ? '1 point' : `${points} points`;
    await expect(single.getByRole('region', { name: 'loss' }).getByText(words, { exact: true })).toBeVisible();
    await expect(compared.getByText(`3 of 3 runs · ${20 + points} points`, { exact: true })).toBeVisible();
  };
  const next = async (run: string, epoch: number) => {
    if (epoch > 0) return shown(epoch);
    await go(single, `/t/${team.name}/runs/${run}?tab=charts`);
    await expect(single.getByText('No metrics yet.', { exact: false })).toBeVisible();
    await watched(single);
  };
  await train(workplace, team.name, 'watched', 1, 20, { next, logs: (at) => logged.push(at) });
  await shown(20);
  await expect.poll(() => marks(single, 'line')).toBe(1);
  await expect.poll(() => marks(compared, 'line')).toBe(3);
  // What the page noted is gone with a reload.
  console.log(`from the client's call to the run page: ${await late(single, logged, 1)}`);
  console.log(`from the client's call to the compare page: ${await late(compared, logged, 21)}`);
});
