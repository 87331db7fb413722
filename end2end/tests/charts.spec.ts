// Charts of what a client logs: on the run's page while it logs, and of several runs side by side.
import { readFile } from 'node:fs/promises';
import { request, type APIRequestContext, type Page } from '@playwright/test';
import { ADMIN, accessibilityFindings, expect, go, marks, test } from '../story';
import type { Api } from '../api';

test.afterAll(({ workplace }) => workplace.giveBack());

type Client = { asked: <T>(name: string, data: object) => Promise<T>; context: APIRequestContext };

async function client(url: string, api: Api, team: string): Promise<Client> {
  const [, token] = await api.call<[unknown, string]>('identity/create_token', { new: { name: 'charts', team, role: 'member', days: 1 } });
  const context = await request.newContext({ baseURL: url, extraHTTPHeaders: { Authorization: `Bearer ${token}` } });
  const asked = async <T>(name: string, data: object): Promise<T> => {
    const answer = await context.post(`/api/2.0/mlflow/${name}`, { data });
    expect(answer.status(), `${name}: ${await answer.text()}`).toBe(200);
    return (await answer.json()) as T;
  };
  return { asked, context };
}

/** A run whose loss falls over 100 steps. */
async function run({ asked }: Client, experiment: string, name: string, rate: number): Promise<string> {
  const { run } = await asked<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment, run_name: name, start_time: Date.now() });
  const loss = Array.from({ length: 100 }, (_, step) => ({ key: 'loss', value: (1 + rate) / (step + 1), timestamp: 1_760_000_000_000 + step * 1000, step }));
  await asked('runs/log-batch', { run_id: run.info.run_id, metrics: loss, params: [{ key: 'rate', value: String(rate) }, { key: 'depth', value: '3' }] });
  return run.info.run_id;
}

test('a chart follows the run while it logs', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const mlflow = await client(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await mlflow.asked<{ experiment_id: string }>('experiments/create', { name: 'charted' });
  const id = await run(mlflow, experiment, 'falls', 0.1);
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/runs/${id}`);
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  await page.getByRole('link', { name: 'Charts', exact: true }).click();
  const loss = page.getByRole('region', { name: 'loss' });
  await expect(loss.getByText('100 points', { exact: true })).toBeVisible();
  await expect.poll(() => marks(loss, 'line')).toBe(1);

  await mlflow.asked('runs/log-metric', { run_id: id, key: 'loss', value: 5, timestamp: Date.now(), step: 100 });
  await expect(loss.getByText('101 points', { exact: true })).toBeVisible();
  await expect(loss.getByText(/greatest 5 · last 5/)).toBeVisible();
  await mlflow.asked('runs/log-metric', { run_id: id, key: 'accuracy', value: 0.9, timestamp: Date.now(), step: 0 });
  await expect(page.getByRole('region', { name: 'accuracy' }).getByText('1 point', { exact: true })).toBeVisible();
  expect(await page.evaluate(() => 'sameDocument' in window), 'the page was not reloaded').toBe(true);

  await page.getByRole('searchbox').fill('acc');
  await expect(loss).toHaveCount(0);
  await expect(page.getByRole('region', { name: 'accuracy' })).toBeVisible();
  await mlflow.context.dispose();
});

test('the table has a chart of its runs, with a colour and an eye for each, live and in the address', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const mlflow = await client(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await mlflow.asked<{ experiment_id: string }>('experiments/create', { name: 'plotted' });
  const ids: string[] = [];
  for (const name of ['one', 'two', 'three']) ids.push(await run(mlflow, experiment, name, ids.length / 10));
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/experiments/${experiment}`);
  await page.getByRole('link', { name: 'Chart', exact: true }).click();
  await expect(page).toHaveURL(/plot=loss/);
  const chart = page.getByRole('region', { name: 'Chart of the runs' });
  await expect(chart.getByText('3 of 3 runs · 300 points', { exact: true })).toBeVisible();
  await expect.poll(() => marks(chart, 'line')).toBe(3);
  expect(await accessibilityFindings(page)).toEqual([]);
  // The row's colour is its line's.
  const row = (name: string) => page.getByRole('grid').getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
  await expect(row('two').locator('.eye polyline')).toHaveClass(/s1/);
  await page.getByRole('link', { name: 'Hide two in the chart' }).click();
  await expect(page).toHaveURL(new RegExp(`hide=${ids[1]}`));
  await expect(chart.getByText('2 of 3 runs · 200 points', { exact: true })).toBeVisible();
  await expect.poll(() => marks(chart, 'line s1')).toBe(0);
  await mlflow.asked('runs/log-metric', { run_id: ids[2], key: 'loss', value: 2, timestamp: Date.now(), step: 100 });
  await expect(chart.getByText('2 of 3 runs · 201 points', { exact: true })).toBeVisible();
  await row('one').hover();
  await expect(chart.locator('.chart-lit polyline.line')).toHaveCount(1);
  await page.getByRole('checkbox', { name: 'Compare two' }).check();
  await page.getByRole('checkbox', { name: 'Compare one' }).check();
  await expect(chart.getByText('1 of 2 runs · 100 points', { exact: true }), 'of the selected ones, in their order').toBeVisible();
  await expect(row('one').locator('.eye polyline')).toHaveClass(/s1/);
  // All of it comes back from the address, but for the selection.
  await page.reload();
  await expect(chart.getByText('2 of 3 runs · 201 points', { exact: true })).toBeVisible();
  await chart.getByRole('link', { name: 'Compare these runs' }).click();
  await expect(page.getByText('3 of 3 runs · 301 points', { exact: true })).toBeVisible();
  await mlflow.context.dispose();
});

test('runs are chosen in the table, compared, smoothed and hidden, and what is chosen is in the address', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const mlflow = await client(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await mlflow.asked<{ experiment_id: string }>('experiments/create', { name: 'compared' });
  const first = await run(mlflow, experiment, 'slow', 0.1);
  await run(mlflow, experiment, 'quick', 0.7);
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/experiments/${experiment}`);
  await page.getByRole('checkbox', { name: 'Compare slow' }).check();
  await page.getByRole('checkbox', { name: 'Compare quick' }).check();
  await mlflow.asked('runs/set-tag', { run_id: first, key: 'seen', value: 'yes' });
  await expect(page.getByRole('checkbox', { name: 'Compare slow' }), 'also after the table followed').toBeChecked();
  await page.getByRole('button', { name: 'Compare selected (2)' }).click();

  await expect(page).toHaveURL(/\/compare\?runs=/);
  await expect(page.getByText('2 of 2 runs · 200 points', { exact: true })).toBeVisible();
  await expect.poll(() => marks(page, 'line')).toBe(2);
  const differences = page.getByRole('region', { name: 'Differences' });
  await expect(differences.getByRole('rowheader', { name: 'rate', exact: true })).toBeVisible();
  await expect(differences.getByRole('rowheader', { name: 'depth', exact: true })).toHaveCount(0);
  await differences.getByRole('link', { name: 'All', exact: true }).click();
  await expect(differences.getByRole('rowheader', { name: 'depth', exact: true })).toBeVisible();

  await mlflow.asked('runs/log-metric', { run_id: first, key: 'loss', value: 0.001, timestamp: Date.now(), step: 100 });
  await expect(page.getByText('2 of 2 runs · 201 points', { exact: true })).toBeVisible();

  await page.getByLabel('Smoothing').fill('0.6');
  await expect(page).toHaveURL(/smooth=0\.6/);
  await expect.poll(() => marks(page, 'line faint')).toBe(2);
  await page.getByRole('link', { name: 'Hide quick' }).click();
  await expect(page.getByText('1 of 2 runs · 101 points · 1 hidden', { exact: true })).toBeVisible();
  await page.locator('.chart-hold').focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('region', { name: 'Chart', exact: true }).getByRole('status')).toContainText('step');
  await page.reload();
  await expect(page.getByText('1 of 2 runs · 101 points · 1 hidden', { exact: true })).toBeVisible();
  await expect.poll(() => marks(page, 'line faint')).toBe(1);
  await mlflow.context.dispose();
});

test('a part of a chart is drawn larger, runs are grouped, and the chart is a file', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const mlflow = await client(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await mlflow.asked<{ experiment_id: string }>('experiments/create', { name: 'grouped' });
  for (const rate of [0.1, 0.1, 0.5]) await run(mlflow, experiment, `rate-${rate}`, rate);
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/compare?experiment=${experiment}`);
  await expect(page.getByText('3 of 3 runs · 300 points', { exact: true })).toBeVisible();
  const plot = page.locator('.chart-hold');
  const box = (await plot.boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.3, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 4 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=/);
  await expect(page).toHaveURL(/to=/);
  await plot.dblclick();
  await expect(page).not.toHaveURL(/from=/);
  await page.getByLabel('Group by').selectOption('params.rate');
  await expect(page.getByText('2 of 2 groups · 3 of 3 runs · 300 points', { exact: true })).toBeVisible();
  await expect.poll(() => marks(page, 'band')).toBe(2);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download CSV' }).click();
  expect((await download).suggestedFilename()).toBe('chart.csv');
  await mlflow.context.dispose();
});

/** What is seen of a chart with one line: the columns of the screen that have the line's colour, each with its highest and lowest pixel, as shares of the picture. */
async function seen(page: Page): Promise<{ colour: string; columns: { x: number; top: number; bottom: number }[] }> {
  return page.locator('.chart-plot canvas').evaluate((canvas: HTMLCanvasElement) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height);
    const [found, colours] = [new Map<number, { top: number; bottom: number }>(), new Map<string, number>()];
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const [r, g, b, a] = data.subarray((y * width + x) * 4);
        // Axes, grid and texts are grey.
        if (a < 100 || Math.max(r, g, b) - Math.min(r, g, b) < 60) continue;
        found.set(x, { top: found.get(x)?.top ?? y / height, bottom: (y + 1) / height });
        const colour = `${r},${g},${b}`;
        colours.set(colour, (colours.get(colour) ?? 0) + 1);
      }
    }
    const colour = [...colours].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '';
    return { colour, columns: [...found].map(([x, ends]) => ({ x: x / width, ...ends })) };
  });
}

test('the canvas shows the extremes that the server draws, in either theme, and a part before its own points have come', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const mlflow = await client(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await mlflow.asked<{ experiment_id: string }>('experiments/create', { name: 'spiked' });
  const { run: made } = await mlflow.asked<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment, start_time: Date.now() });
  // One of 7,000 points is high, and one is low.
  const value = (step: number) => (step === 4321 ? 9 : step === 1234 ? -9 : 0);
  for (let start = 0; start < 7000; start += 1000) {
    const metrics = Array.from({ length: 1000 }, (_, i) => ({ key: 'loss', value: value(start + i), timestamp: 1_760_000_000_000, step: start + i }));
    await mlflow.asked('runs/log-batch', { run_id: made.info.run_id, metrics });
  }
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/compare?runs=${made.info.run_id}`);
  await expect(page.getByText('1 of 1 run · 7,000 points', { exact: true })).toBeVisible();
  await expect.poll(() => marks(page, 'line')).toBe(1);

  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download SVG' }).click();
  const svg = await readFile(await (await download).path(), 'utf8');
  const [, wide, high] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
  const [, points] = /<polyline class="line [^"]*" points="([^"]*)"/.exec(svg)!;
  const places = points.split(' ').map((place) => place.split(',').map(Number));
  const least = places.reduce((a, b) => (b[1] > a[1] ? b : a));
  const greatest = places.reduce((a, b) => (b[1] < a[1] ? b : a));
  const light = await seen(page);
  const top = light.columns.reduce((a, b) => (b.top < a.top ? b : a));
  const bottom = light.columns.reduce((a, b) => (b.bottom > a.bottom ? b : a));
  const pixel = 2 / 380;
  expect(Math.abs(top.top - greatest[1] / high), 'the highest').toBeLessThan(pixel);
  expect(Math.abs(bottom.bottom - least[1] / high), 'the lowest').toBeLessThan(pixel);
  // The two pictures are not of one width; a share of the axis is.
  const share = (x: number, width: number) => (x - 62) / (width - 62 - 14);
  const shown = await page.locator('.chart-plot canvas').evaluate((canvas) => canvas.clientWidth);
  expect(Math.abs(share(top.x * shown, shown) - share(greatest[0] / 2, wide / 2)), 'where it is highest').toBeLessThan(0.005);
  expect(Math.abs(share(bottom.x * shown, shown) - share(least[0] / 2, wide / 2)), 'where it is lowest').toBeLessThan(0.005);

  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(async () => (await seen(page)).colour, 'painted in the colours of the other theme').not.toBe(light.colour);
  expect((await seen(page)).columns.length).toBe(light.columns.length);

  // The answer is held back: what is here is drawn larger at once.
  let answer = () => {};
  const held = new Promise<void>((go) => (answer = go));
  await page.route('**/api/charts/compare', async (route) => {
    await held;
    await route.continue();
  });
  const box = (await page.locator('.chart-hold').boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.55, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 60, { steps: 4 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=/);
  await page.locator('.chart-hold').focus();
  const status = page.getByRole('region', { name: 'Chart', exact: true }).getByRole('status');
  const first = async () => {
    await page.keyboard.press('Home');
    return Number(/step ([\d,]+)/.exec((await status.textContent()) ?? '')?.[1].replaceAll(',', '') ?? 0);
  };
  await expect.poll(first).toBeGreaterThan(3000);
  // In the whole it was further to the right.
  const spike = async () => (await seen(page)).columns.find((column) => column.top < 0.2)?.x ?? 0;
  expect(light.columns.find((column) => column.top < 0.2)!.x).toBeGreaterThan(0.6);
  await expect.poll(async () => Math.abs((await spike()) - 0.45), 'the spike is where it belongs').toBeLessThan(0.12);
  const [answered] = await Promise.all([page.waitForResponse('**/api/charts/compare'), answer()]);
  expect(answered.headers()['content-type']).toBe('application/cbor');
  await expect.poll(first).toBeGreaterThan(3000);
  await expect.poll(async () => Math.abs((await spike()) - 0.45), 'also of its own points').toBeLessThan(0.12);
  await mlflow.context.dispose();
});

test('without JavaScript runs are compared as well', async ({ workplace, visit }) => {
  const team = await workplace.team({ val: 'viewer' });
  const mlflow = await client(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await mlflow.asked<{ experiment_id: string }>('experiments/create', { name: 'plain' });
  await run(mlflow, experiment, 'one', 0.1);
  await run(mlflow, experiment, 'two', 0.2);
  const page = await visit(team.email('val'), { javaScriptEnabled: false });
  await page.goto(`/t/${team.name}/experiments/${experiment}`);
  await page.getByRole('checkbox', { name: 'Compare one' }).check();
  await page.getByRole('checkbox', { name: 'Compare two' }).check();
  await page.getByRole('button', { name: 'Compare selected' }).click();
  await expect(page.getByText('2 of 2 runs · 200 points', { exact: true })).toBeVisible();
  await page.getByText('Axes and smoothing').click();
  await page.getByRole('combobox', { name: 'Values' }).selectOption('log');
  await page.getByRole('button', { name: 'Draw chart' }).click();
  await expect(page).toHaveURL(/y=log/);
  await expect(page.locator('.chart-plot svg polyline.line')).toHaveCount(2);
  await page.getByRole('link', { name: 'Parallel coordinates' }).click();
  await expect(page.locator('.chart-plot svg path.path'), 'a level line has no height').not.toHaveCount(0);
  await expect(page.getByRole('region', { name: 'Values' }).getByRole('row')).toHaveCount(3);
  await mlflow.context.dispose();
});

/** Twelve runs that end with a loss by their learning rate and optimizer. */
async function finished(mlflow: Client, experiment: string): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < 12; i += 1) {
    const { run } = await mlflow.asked<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment, run_name: `trial-${i}`, start_time: Date.now() });
    const [rate, optimizer] = [0.01 * (i + 1), i % 3 ? 'adam' : 'sgd'];
    const metric = (key: string, value: number) => ({ key, value, timestamp: 1_760_000_000_000, step: 0 });
    const metrics = [metric('loss', 1 / (i + 1) + (i % 3 ? 0 : 0.5)), ...(i === 7 ? [] : [metric('latency', 10 + i * i)])];
    await mlflow.asked('runs/log-batch', { run_id: run.info.run_id, metrics, params: [{ key: 'rate', value: String(rate) }, { key: 'optimizer', value: optimizer }] });
    ids.push(run.info.run_id);
  }
  return ids;
}

test('what runs ended with is drawn in other charts, read by pointer and keyboard, and narrowed', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const mlflow = await client(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await mlflow.asked<{ experiment_id: string }>('experiments/create', { name: 'trials' });
  const ids = await finished(mlflow, experiment);
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/compare?experiment=${experiment}&metric=loss`);
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  const chart = page.getByRole('region', { name: 'Chart', exact: true });
  const rows = page.getByRole('region', { name: 'Values' }).getByRole('row');
  const said = chart.getByRole('status');

  await page.getByRole('link', { name: 'Scatter' }).click();
  await expect(chart.getByText('12 of 12 runs', { exact: true })).toBeVisible();
  await page.getByRole('combobox', { name: 'Across' }).selectOption('metrics.latency');
  await expect(chart.getByText(/^11 of 12 runs · 1 lacks a value/)).toBeVisible();
  await page.getByRole('combobox', { name: 'Front' }).selectOption('low-low');
  // No other run has both less latency and less loss.
  const best = [0, 1, 2, 4, 5, 8, 10, 11];
  await expect(chart.getByText(`${best.length} on the front`, { exact: false })).toBeVisible();
  await expect(rows).toHaveCount(best.length + 1);
  await page.locator('.chart-hold').focus();
  await page.keyboard.press('ArrowRight');
  await expect(said).toContainText('trial-0: latency 10 · loss 1.5');
  await page.keyboard.press('End');
  await expect(said).toContainText('trial-11');

  await page.getByRole('link', { name: 'Parallel coordinates' }).click();
  await expect(chart.getByText('12 of 12 runs', { exact: true })).toBeVisible();
  const box = (await page.locator('.chart-hold').boundingBox())!;
  // Along the first axis, the upper half of it.
  await page.mouse.move(box.x + 54, box.y + 70);
  await page.mouse.down();
  await page.mouse.move(box.x + 54, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  await expect(page).toHaveURL(/ranges=/);
  await expect(chart.getByText(/^12 of 12 runs · (\d+) within the ranges$/)).toBeVisible();
  const within = Number(/(\d+) within/.exec((await chart.locator('.chart-count').textContent())!)![1]);
  expect(within).toBeGreaterThan(0);
  expect(within).toBeLessThan(12);
  await expect(rows).toHaveCount(within + 1);
  await page.getByText('Axes: order, direction and ranges').click();
  await page.getByRole('link', { name: 'Flip metrics.loss' }).click();
  await expect(page).toHaveURL(/flip=metrics.loss/);
  await page.getByRole('link', { name: 'Remove params.optimizer' }).click();
  await expect(page.getByRole('link', { name: 'Flip params.optimizer' })).toHaveCount(0);

  for (const [name, drawn] of [['Heat map', 'area'], ['Contour lines', 'area layer'], ['Bars', 'area'], ['Boxes', 'area'], ['Violins', 'area'], ['Histogram', 'area'], ['Param importance', 'area']] as const) {
    // What is said of the picture before is not to be taken for this one's.
    await page.locator('.chart-plot canvas').evaluate((canvas) => canvas.removeAttribute('data-marks'));
    await page.getByRole('link', { name, exact: true }).click();
    await expect(chart.getByRole('heading', { name, exact: true })).toBeVisible();
    await expect.poll(() => marks(page, drawn)).toBeGreaterThan(0);
    await expect(rows).not.toHaveCount(1);
  }
  await expect(rows.nth(1)).toContainText('params.optimizer');

  // A client goes on logging: the chart follows.
  await page.getByRole('link', { name: 'Scatter' }).click();
  await expect(chart.getByText(/^11 of 12 runs/)).toBeVisible();
  await mlflow.asked('runs/log-metric', { run_id: ids[7], key: 'latency', value: 3, timestamp: Date.now(), step: 0 });
  await expect(chart.getByText(/^12 of 12 runs/)).toBeVisible();
  expect(await page.evaluate(() => 'sameDocument' in window), 'the page was not reloaded').toBe(true);

  const picture = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download PNG' }).click();
  const bytes = await readFile((await (await picture).path())!);
  expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  expect(bytes.readUInt32BE(16), 'twice as wide as the SVG').toBe(1920);
  const table = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download CSV' }).click();
  expect((await readFile((await (await table).path())!, 'utf8')).split('\n')[0]).toBe('run,id,metrics.latency,metrics.loss');
  await mlflow.context.dispose();
});

test('lines are of expressions, along another metric, in charts of their own, and held against a base', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const mlflow = await client(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await mlflow.asked<{ experiment_id: string }>('experiments/create', { name: 'expressed' });
  for (const [name, rate] of [['calm', 0.1], ['wild', 0.5]] as const) {
    const id = await run(mlflow, experiment, name, rate);
    const more = Array.from({ length: 50 }, (_, step) => ({ key: 'val loss', value: (1 + rate) / (step + 1) / 2, timestamp: 1_760_000_000_000, step }));
    const epochs = Array.from({ length: 100 }, (_, step) => ({ key: 'epoch', value: Math.floor(step / 10), timestamp: 1_760_000_000_000, step }));
    await mlflow.asked('runs/log-batch', { run_id: id, metrics: [...more, ...epochs], params: [] });
  }
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/compare?experiment=${experiment}&metric=loss`);
  const chart = page.getByRole('region', { name: 'Chart', exact: true });
  const expression = page.getByRole('textbox', { name: 'Expression' });
  await expression.fill('loss / (');
  await expression.press('Enter');
  await expect(page.getByText('There should be a metric or a number at the end.')).toBeVisible();
  await expect(chart.getByRole('heading', { name: 'loss', exact: true }), 'the chart before stays').toBeVisible();
  await expression.fill('loss / `val loss`');
  await expression.press('Enter');
  await expect(chart.getByText('2 of 2 runs · 100 points', { exact: true })).toBeVisible();
  // Everywhere two: so says the legend.
  await expect(page.getByRole('region', { name: 'Runs' }).getByRole('row').nth(1)).toContainText(/50\s*2\s*2\s*2/);
  await expression.fill('');
  await expression.press('Enter');
  await expect(chart.getByText('2 of 2 runs · 200 points', { exact: true })).toBeVisible();

  await page.getByText('Axes and smoothing').click();
  await page.getByRole('combobox', { name: 'Axis' }).selectOption('metric');
  await page.getByRole('combobox', { name: 'of', exact: true }).selectOption('metrics.val loss');
  await expect(chart.getByText(/^2 of 2 runs · 100 points · 100 at steps where the axis has no value$/)).toBeVisible();
  await page.getByRole('combobox', { name: 'Axis' }).selectOption('step');
  await page.getByRole('combobox', { name: 'A chart for each' }).selectOption('params.rate');
  await expect(chart.getByRole('heading', { name: '0.5', exact: true })).toBeVisible();
  await expect(chart.locator('.chart-hold')).toHaveCount(2);

  const differences = page.getByRole('region', { name: 'Differences' });
  await differences.getByRole('link', { name: 'Compare with calm' }).click();
  await expect(differences.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'rate', exact: true }) })).toContainText('+0.4, +400 %');
  await mlflow.context.dispose();
});

test('pictures of runs are side by side at one step', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const mlflow = await client(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await mlflow.asked<{ experiment_id: string }>('experiments/create', { name: 'pictured' });
  const dot = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
  const put = async (run: string, name: string): Promise<void> => {
    // As MLflow's log_image names its files.
    const path = `${experiment}/${run}/artifacts/images/${encodeURIComponent(name)}`;
    const answer = await mlflow.context.put(`/api/2.0/mlflow-artifacts/artifacts/${path}`, { data: dot, headers: { 'Content-Type': 'application/octet-stream' } });
    expect(answer.status(), await answer.text()).toBe(200);
  };
  const [one, two] = [await run(mlflow, experiment, 'one', 0.1), await run(mlflow, experiment, 'two', 0.2)];
  for (const step of [0, 10]) await put(one, `val~grid+step+${step}+timestamp+176000000000${step}+u.png`);
  await put(two, 'val~grid+step+5+timestamp+1760000000000+u.png');
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/compare?runs=${one},${two}`);
  const pictures = page.getByRole('region', { name: 'Pictures' });
  const figure = (name: string) => pictures.getByRole('figure').filter({ has: page.getByRole('link', { name, exact: true }) });
  await expect(figure('one')).toContainText('step 10');
  await expect(figure('two')).toContainText('step 5');
  const image = figure('one').getByRole('img', { name: 'val/grid of one' });
  await expect.poll(() => image.evaluate((img) => (img as HTMLImageElement).naturalWidth)).toBe(1);
  await pictures.getByLabel('Step').fill('0');
  await expect(page).toHaveURL(/image_step=0/);
  await expect(figure('one')).toContainText('step 0');
  await expect(figure('two')).toContainText('None at this step or before.');
  expect(await accessibilityFindings(page)).toEqual([]);
  await mlflow.context.dispose();
});

test('a file of two runs is compared line by line, and another run or file by choice', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const mlflow = await client(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await mlflow.asked<{ experiment_id: string }>('experiments/create', { name: 'files' });
  const put = async (run: string, path: string, data: string): Promise<void> => {
    const answer = await mlflow.context.put(`/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run}/artifacts/${path}`, { data, headers: { 'Content-Type': 'application/octet-stream' } });
    expect(answer.status(), await answer.text()).toBe(200);
  };
  const runs: string[] = [];
  for (const [i, version] of ['1.4', '1.5', '1.5'].entries()) {
    const id = await run(mlflow, experiment, `run-${i}`, 0.1);
    await put(id, 'model/requirements.txt', `numpy==2.1\nscikit-learn==${version}\npandas==2.2\n`);
    await put(id, 'train.py', `<b>the same</b>\n`);
    runs.push(id);
  }
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/compare?runs=${runs.join(',')}`);
  const files = page.getByRole('region', { name: 'Files' });
  await expect(files.locator('.diff-old'), 'what differs comes first').toContainText('scikit-learn==1.4');
  await expect(files.locator('.diff-new')).toContainText('scikit-learn==1.5');
  await expect(files.getByRole('row', { name: /numpy/ })).toHaveClass('');
  expect(await accessibilityFindings(page)).toEqual([]);
  await files.getByLabel('File').selectOption('train.py');
  await expect(files.getByText('The same in both.')).toBeVisible();
  await expect(page).toHaveURL(/file=train\.py/);
  await files.getByLabel('File').selectOption('model/requirements.txt');
  await page.getByRole('region', { name: 'Differences' }).getByRole('link', { name: 'Compare with run-1' }).click();
  await expect(files.locator('.diff-old'), 'the base comes first').toContainText('scikit-learn==1.5');
  await files.getByLabel('Against').selectOption('run-2');
  await expect(files.getByText('The same in both.')).toBeVisible();
  await mlflow.context.dispose();
});
