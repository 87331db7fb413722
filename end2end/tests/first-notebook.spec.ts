// The story that Slipway is for: an empty portal, its first administrator, and a JupyterLab that keeps its files.
import { Page, expect } from '@playwright/test';
import { PASSWORD, Slipway } from '../slipway';
import { Watch, phase, ready, test } from '../story';

const base = test.extend<{ empty: Slipway; page: Page }>({
  empty: async ({}, use) => {
    const portal = await Slipway.start();
    await use(portal);
    await portal.dispose();
  },
  page: async ({ browser, empty }, use) => {
    const context = await browser.newContext({ baseURL: empty.url });
    const watch = new Watch(empty.url);
    watch.over(context);
    await use(await context.newPage());
    expect(watch.unexpected(), 'errors on the portal’s pages').toEqual([]);
    await context.close();
  },
});

/** A cell that logs a run with what every notebook is given. */
const LOGS_A_RUN = `
import json, os, time, urllib.request
def post(verb, **body):
    headers = {'Authorization': 'Bearer ' + os.environ['MLFLOW_TRACKING_TOKEN'], 'Content-Type': 'application/json'}
    url = os.environ['MLFLOW_TRACKING_URI'] + '/api/2.0/mlflow/' + verb
    return json.load(urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)))
experiment = post('experiments/create', name='from a notebook')['experiment_id']
print('run', post('runs/create', experiment_id=experiment, start_time=int(time.time() * 1000))['run']['info']['run_id'])
`;

/** Opens the notebook on its own host and waits for JupyterLab. */
async function open(page: Page): Promise<Page> {
  const opening = page.context().waitForEvent('page');
  await page.getByRole('link', { name: 'Open notebook' }).or(page.getByRole('button', { name: 'Open notebook' })).first().click();
  const lab = await opening;
  await lab.waitForURL(/\/\/[a-z0-9]+\.localhost:/, { timeout: 30_000 });
  await expect(lab.getByRole('menubar').first()).toBeVisible({ timeout: 60_000 });
  return lab;
}

base('from an empty portal to a notebook that keeps its files', async ({ page, empty }) => {
  base.setTimeout(600_000);
  let run = '';

  await base.step('the first visit makes the administrator with the code from the console', async () => {
    await page.goto('/');
    await expect(page).toHaveURL(/\/setup/);
    await ready(page);
    await page.getByLabel('One-time code').fill(empty.code());
    await page.getByLabel('Email').fill('grace@example.com');
    await page.getByLabel('Name').fill('Grace');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Create administrator' }).click();
    await expect(page).not.toHaveURL(/\/setup/);
  });

  await base.step('a team', async () => {
    await expect(page).toHaveURL(/\/welcome/);
    await ready(page);
    await page.getByLabel('Team name').fill('vision');
    await page.getByRole('button', { name: 'Create team' }).click();
    await expect(page).toHaveURL(/\/t\/vision/);
  });

  await base.step('a launch of JupyterLab, seen live without reload', async () => {
    await page.goto('/t/vision/notebooks');
    await ready(page);
    await page.getByRole('link', { name: 'New notebook' }).first().click();
    await expect(page).toHaveURL(/\/notebooks\/new/);
    await page.getByLabel('Name', { exact: true }).fill('first-look');
    await page.getByRole('button', { name: 'Launch notebook' }).click();
    await expect(page).toHaveURL(/\/t\/vision\/notebooks\/[a-z0-9]{8,}/);
    await page.evaluate(() => Object.assign(window, { sameDocument: true }));
    await expect(phase(page, 'Preparing')).toBeVisible();
    await expect(phase(page, 'Ready')).toBeVisible({ timeout: 420_000 });
    expect(await page.evaluate(() => 'sameDocument' in window), 'the page was not reloaded').toBe(true);
  });

  await base.step('a cell writes a file and prints', async () => {
    const lab = await open(page);
    await lab.locator('.jp-LauncherCard[data-category="Notebook"]').first().click();
    const cell = lab.locator('.jp-Notebook .jp-CodeCell .cm-content').first();
    await cell.click({ timeout: 60_000 });
    // What is run before the kernel is there is dropped.
    await expect(lab.getByRole('button', { name: /\| Idle$/ })).toBeVisible({ timeout: 60_000 });
    await lab.keyboard.type("open('kept.txt', 'w').write('still here'); print(6 * 7)");
    await lab.keyboard.press('Shift+Enter');
    await expect(lab.locator('.jp-OutputArea-output').getByText('42', { exact: true })).toBeVisible({ timeout: 60_000 });
    // JupyterLab asks for its news a few seconds after it has opened, unless it was told: its settings say so, and by now it would have.
    const settings = await lab.evaluate(async () => (await fetch('/lab/api/settings/@jupyterlab/apputils-extension:notification')).text());
    expect(settings).toContain('"fetchNews"');
    await expect(lab.getByText(/official Jupyter news/)).toHaveCount(0);
    await lab.keyboard.insertText(LOGS_A_RUN);
    await lab.keyboard.press('Shift+Enter');
    const logged = lab.locator('.jp-OutputArea-output').getByText(/^run \w+\s*$/);
    await expect(logged).toBeVisible({ timeout: 60_000 });
    run = (await logged.innerText()).replace('run ', '').trim();
    await lab.close();
  });

  await base.step('a run that it logs leads to what the notebook prints', async () => {
    await page.goto(`/t/vision/runs/${run}`);
    await ready(page);
    await page.getByRole('navigation', { name: 'Parts of this run' }).getByRole('link', { name: 'Console' }).click();
    await expect(page).toHaveURL(/tab=console$/);
    await expect(page.getByRole('log', { name: 'Log' })).toContainText('Kernel started');
    await page.getByRole('link', { name: 'first-look' }).click();
    await expect(phase(page, 'Ready')).toBeVisible();
  });

  await base.step('stopped and started again, the file is there', async () => {
    await page.getByRole('button', { name: 'Stop notebook' }).first().click();
    await confirm(page, 'Stop notebook');
    await expect(phase(page, 'Stopped')).toBeVisible({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Start notebook' }).first().click();
    await expect(phase(page, 'Ready')).toBeVisible({ timeout: 120_000 });
    const lab = await open(page);
    await expect(lab.getByRole('listitem', { name: /kept\.txt/ }).or(lab.locator('.jp-DirListing-item', { hasText: 'kept.txt' })).first()).toBeVisible({
      timeout: 60_000,
    });
    await lab.close();
  });

  await base.step('deleted', async () => {
    await page.getByRole('button', { name: 'Stop notebook' }).first().click();
    await confirm(page, 'Stop notebook');
    await expect(phase(page, 'Stopped')).toBeVisible({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Delete notebook' }).first().click();
    await confirm(page, 'Delete notebook');
    await expect(page).toHaveURL(/\/t\/vision\/notebooks$/);
    await expect(page.getByText('first-look')).toHaveCount(0);
    expect(empty.shims()).toEqual([]);
  });
});

/** Answers the dialog that asks again, where there is one. */
async function confirm(page: Page, button: string): Promise<void> {
  const dialog = page.getByRole('dialog').or(page.getByRole('alertdialog')).filter({ visible: true });
  if (await dialog.isVisible().catch(() => false)) await dialog.getByRole('button', { name: button }).click();
}
