// Charts of what a client logs: on the run's page while it logs, and of several runs side by side.
import { request, type APIRequestContext } from '@playwright/test';
import { ADMIN, expect, go, test } from '../story';
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
  await expect(loss.locator('svg polyline.line')).toHaveCount(1);

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
  const lines = page.locator('.chart-plot svg polyline.line');
  await expect(lines).toHaveCount(2);
  const differences = page.getByRole('region', { name: 'Differences' });
  await expect(differences.getByRole('rowheader', { name: 'rate', exact: true })).toBeVisible();
  await expect(differences.getByRole('rowheader', { name: 'depth', exact: true })).toHaveCount(0);
  await differences.getByRole('link', { name: 'All', exact: true }).click();
  await expect(differences.getByRole('rowheader', { name: 'depth', exact: true })).toBeVisible();

  await mlflow.asked('runs/log-metric', { run_id: first, key: 'loss', value: 0.001, timestamp: Date.now(), step: 100 });
  await expect(page.getByText('2 of 2 runs · 201 points', { exact: true })).toBeVisible();

  await page.getByLabel('Smoothing').fill('0.6');
  await expect(page).toHaveURL(/smooth=0\.6/);
  await expect(page.locator('.chart-plot svg polyline.line.faint')).toHaveCount(2);
  await page.getByRole('link', { name: 'Hide quick' }).click();
  await expect(page.getByText('1 of 2 runs · 101 points · 1 hidden', { exact: true })).toBeVisible();
  await page.locator('.chart-hold').focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('region', { name: 'Chart', exact: true }).getByRole('status')).toContainText('step');
  await page.reload();
  await expect(page.getByText('1 of 2 runs · 101 points · 1 hidden', { exact: true })).toBeVisible();
  await expect(page.locator('.chart-plot svg polyline.line.faint')).toHaveCount(1);
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
  await expect(page.locator('.chart-plot polygon.band')).toHaveCount(2);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download CSV' }).click();
  expect((await download).suggestedFilename()).toBe('chart.csv');
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
  await page.getByRole('combobox', { name: 'Values' }).selectOption('log');
  await page.getByRole('button', { name: 'Draw chart' }).click();
  await expect(page).toHaveURL(/y=log/);
  await expect(page.locator('.chart-plot svg polyline.line')).toHaveCount(2);
  await mlflow.context.dispose();
});
