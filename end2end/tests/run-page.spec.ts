// The page of a run that MLflow's own client logged: files are looked at and never run, notes are written, traces are read span by span.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { request } from '@playwright/test';
import { accessibilityFindings, ADMIN, expect, go, test, type Workplace } from '../story';

/** Python with MLflow's client, which it installs on first use. */
const PYTHON = path.resolve(__dirname, '../../scripts/mlflow-client.sh');

async function logged(workplace: Workplace): Promise<{ team: string; run: string; trace: string }> {
  const team = await workplace.team({ val: 'viewer' });
  const [, token] = await workplace.admin.call<[unknown, string]>('identity/create_token', { new: { name: 'script', team: team.name, role: 'member', days: 1 } });
  const script = path.resolve(__dirname, '../mlflow/run_page_client.py');
  const done = spawnSync(PYTHON, [script, workplace.portal.url, token], { encoding: 'utf8', timeout: 170_000, env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', GIT_PYTHON_REFRESH: 'quiet' } });
  expect(done.status, done.stderr).toBe(0);
  const [run, trace] = done.stdout.trim().split('\n').pop()!.split(' ');
  return { team: team.name, run, trace };
}

test('files of a run are looked at, and what is in them runs apart from the portal or not at all', async ({ workplace, visit, watch }) => {
  // The page in its frame is refused what it tries.
  watch.allow(/\(http:\/\/files\.localhost/);
  const { team, run } = await logged(workplace);
  const page = await visit(ADMIN);
  await go(page, `/t/${team}/runs/${run}?tab=artifacts`);
  await page.getByRole('link', { name: 'notes.txt' }).click();
  await expect(page.getByText('second')).toBeVisible();
  await expect(page).toHaveURL(/path=notes\.txt/);
  await page.getByRole('link', { name: 'config.json' }).click();
  await expect(page.getByText('"b": [')).toBeVisible();
  await page.getByRole('link', { name: 'scores.csv' }).click();
  await expect(page.getByText('2 of 2 rows')).toBeVisible();
  await page.getByRole('link', { name: 'score', exact: true }).click();
  await page.getByRole('link', { name: 'score', exact: true }).click();
  await expect(page.getByRole('table', { name: 'Rows of the file' }).getByRole('row').nth(1)).toContainText('10');
  await page.getByRole('link', { name: 'rows.parquet' }).click();
  await expect(page.getByRole('table', { name: 'Rows of the file' }).getByRole('row').nth(1)).toContainText(/a\s*0\.5\s*2026-05-01/);
  await page.getByRole('link', { name: 'answers.json' }).click();
  await expect(page.getByRole('table', { name: 'Rows of the file' }).getByRole('row', { name: /why/ })).toContainText('2');
  await page.getByRole('link', { name: 'pixel.png' }).click();
  await expect(page.getByRole('img', { name: 'pixel.png' })).toBeVisible();
  // Seen before its bytes have come.
  await expect.poll(() => page.getByRole('img', { name: 'pixel.png' }).evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(1);

  for (const [file, words] of [['docs/report.md', 'Report'], ['docs/page.html', 'none of them runs']]) {
    await go(page, `/t/${team}/runs/${run}?tab=artifacts&path=${encodeURIComponent(file)}`);
    await expect(page.locator('.preview').getByText(words).first()).toBeVisible();
    await expect(page.locator('.preview').getByText('<script>', { exact: false }).first(), 'as text').toBeVisible();
    expect(await page.title()).not.toContain('attacked');
    await expect(page.locator('.preview script, .preview iframe, .preview img, .preview a[href^="javascript"]')).toHaveCount(0);
    expect(await accessibilityFindings(page)).toEqual([]);
  }

  // The page itself runs, where it can take nothing: not of the portal, and not of another file.
  await page.getByRole('button', { name: 'Show page' }).click();
  const frame = page.frameLocator('iframe.preview-frame');
  await expect(frame.locator('#found')).toHaveText('cookie refused; parent refused; storage refused; fetch refused');
  expect(await page.title()).not.toContain('attacked');
  await page.getByRole('button', { name: 'Show source' }).click();
  await expect(page.locator('iframe')).toHaveCount(0);
  const opened = page.context().waitForEvent('page');
  await page.getByRole('link', { name: 'Open page in a tab of its own' }).click();
  const tab = await opened;
  await expect(tab.locator('#found')).toContainText('cookie refused');
  expect(new URL(tab.url()).hostname).toBe('files.localhost');
  await tab.close();
});

test('a note is written, kept where somebody was quicker, and saved', async ({ workplace, visit, watch }) => {
  watch.allow(/status of 409/);
  const { team, run } = await logged(workplace);
  const page = await visit(ADMIN);
  await go(page, `/t/${team}/runs/${run}`);
  await page.getByText('Edit note').click();
  await page.getByRole('textbox', { name: 'Note' }).fill('## Mine');
  await workplace.admin.call('tracking/set_note', { team, run, before: '', note: 'theirs' });
  await page.getByRole('button', { name: 'Save note' }).click();
  await expect(page.getByText(/Somebody else changed the note/)).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Note' }), 'what was typed is still there').toHaveValue('## Mine');
  await expect(page.locator('.markdown')).toHaveText('theirs');
  await page.getByRole('button', { name: 'Save note' }).click();
  await expect(page.getByRole('heading', { name: 'Mine', level: 3 })).toBeVisible();

  await page.getByRole('link', { name: 'Tags', exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('stage');
  await page.getByLabel('Value', { exact: true }).fill('candidate');
  await page.getByRole('button', { name: 'Set tag' }).click();
  await expect(page.getByRole('row', { name: /stage candidate/ })).toBeVisible();
  await page.getByRole('link', { name: 'Metrics', exact: true }).click();
  await expect(page.getByRole('row', { name: /loss/ })).toContainText('50');
});

test('a trace is read span by span with the keys, and what comes of traces is there at once', async ({ workplace, visit }) => {
  const { team, run, trace } = await logged(workplace);
  const page = await visit(ADMIN);
  const [, token] = await workplace.admin.call<[unknown, string]>('identity/create_token', { new: { name: 'traces', team, role: 'member', days: 1 } });
  const mlflow = await request.newContext({ baseURL: workplace.portal.url, extraHTTPHeaders: { Authorization: `Bearer ${token}` } });
  const { experiment: { experiment_id: experiment } } = await (await mlflow.get('/api/2.0/mlflow/experiments/get-by-name?experiment_name=looked%20at')).json();
  await go(page, `/t/${team}/experiments/${experiment}/traces`);
  await expect(page.getByRole('row')).toHaveCount(2);
  const info = { trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }, request_time: new Date().toISOString(), execution_duration: '0.5s', state: 'IN_PROGRESS' };
  const say = (more: object) => mlflow.post('/api/3.0/mlflow/traces', { data: { trace: { trace_info: { ...info, trace_id: 'tr-00000000000000000000000000000001', tags: { 'mlflow.traceName': 'later', mood: 'fine' }, ...more } } } });
  expect((await say({})).status()).toBe(200);
  const later = page.getByRole('row', { name: /later/ });
  await expect(later).toContainText('In progress');
  await later.getByRole('link', { name: 'later' }).click();
  await expect(page.getByRole('heading', { name: 'later', level: 1 })).toBeVisible();
  await page.getByText('Tags', { exact: true }).click();
  await expect(page.getByText('fine', { exact: true })).toBeVisible();
  expect((await say({ state: 'ERROR', tags: { 'mlflow.traceName': 'later', mood: 'sad' } })).status()).toBe(200);
  await expect(page.getByText('Error', { exact: true })).toBeVisible();
  await expect(page.getByText('sad', { exact: true }), 'what was unfolded stays so').toBeVisible();
  await mlflow.dispose();

  await go(page, `/t/${team}/runs/${run}?tab=traces`);
  await page.getByRole('link', { name: 'answer' }).click();
  await expect(page).toHaveURL(new RegExp(`/traces/${trace}`));
  await expect(page.getByText('2 spans')).toBeVisible();
  await expect(page.getByRole('region', { name: 'answer' }).getByText('why?')).toBeVisible();
  await page.getByRole('link', { name: 'answer' }).last().focus();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('link', { name: 'retrieve' })).toBeFocused();
  await expect(page.getByRole('region', { name: 'retrieve' }).getByText('"found": 3')).toBeVisible();
  expect(await accessibilityFindings(page)).toEqual([]);
});
