// Webhooks: made on the page, told of what a client registers, seen in the log, and sent again after they failed.
import { ADMIN, expect, go, test } from '../story';
import { Client, register } from '../pages';

test.afterAll(({ workplace }) => workplace.giveBack());

test('a webhook is made with a secret that is shown once, and a delivery that failed is seen and sent again', async ({ workplace, visit, watch }) => {
  // An address inside the network is refused first.
  watch.allow(/status of 400/);
  const team = await workplace.team();
  const client = await Client.of(workplace.portal.url, workplace.admin, team.name);
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/webhooks`);
  await page.getByRole('link', { name: 'New webhook' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill('deployments');
  await page.getByLabel('Address').fill('https://10.0.0.1/hook');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await expect(page.getByRole('alert').getByText(/inside the network/)).toBeVisible();
  // Allowed for the stories (slipway.ts), and nobody listens there.
  await page.getByLabel('Address').fill('https://127.0.0.1:9/hook');
  await page.getByLabel('Make a secret for me').check();
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await expect(page.getByText(/it is not shown again/)).toBeVisible();
  const secret = await page.locator('.secret-line code').innerText();
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  await page.getByRole('link', { name: 'Open webhook' }).click();
  await expect(page.getByRole('heading', { name: 'deployments', level: 1 })).toBeVisible();
  await expect(page.getByText(secret)).toHaveCount(0);

  const { experiment_id: experiment } = await client.ask<{ experiment_id: string }>('experiments/create', { name: 'churn' });
  const { run } = await client.ask<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment, run_name: 'depth-4' });
  await register(client, 'churn', experiment, run.info.run_id);
  const log = page.getByRole('table', { name: /Tries of deliveries/ });
  const created = log.getByRole('row', { name: /churn.*registered_model\.created/ });
  await expect(created.first(), 'the page follows by itself').toContainText('No answer', { timeout: 30_000 });
  const tries = await created.count();
  await created.first().getByRole('button', { name: 'Send again' }).click();
  await expect(async () => expect(await created.count()).toBeGreaterThan(tries)).toPass({ timeout: 30_000 });

  await page.getByRole('button', { name: 'Pause webhook' }).click();
  await expect(page.getByRole('button', { name: 'Resume webhook' })).toBeVisible();
  await page.locator('summary', { hasText: 'Delete webhook' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete webhook' }).click();
  await expect(page.getByText('No webhooks yet')).toBeVisible();
  await client.dispose();
});

test('a version shows where it comes from, and two versions are compared', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const client = await Client.of(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await client.ask<{ experiment_id: string }>('experiments/create', { name: 'churn' });
  const { run } = await client.ask<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment, run_name: 'depth-4' });
  const source = { dataset: { name: 'customers', digest: '7d0a1c55', source_type: 'local', source: '{}' }, tags: [] };
  await client.ask('runs/log-inputs', { run_id: run.info.run_id, datasets: [source] });
  await register(client, 'churn', experiment, run.info.run_id);
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/models/churn/versions/1`);
  const graph = page.locator('svg.lineage-wide');
  await expect(graph.getByRole('link', { name: 'Dataset: customers 7d0a1c55' })).toBeVisible();
  await expect(graph.getByRole('link', { name: 'Alias: champion' })).toBeVisible();
  await page.getByText('The same as a table').click();
  await expect(page.getByRole('table', { name: 'Lineage of the version' }).getByRole('row', { name: /Run depth-4 customers 7d0a1c55/ })).toBeVisible();
  await graph.getByRole('link', { name: 'Run: depth-4' }).focus();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/runs/${run.info.run_id}$`));

  await go(page, `/t/${team.name}/models/churn`);
  await page.getByRole('checkbox', { name: 'Compare version 1' }).check();
  await page.getByRole('checkbox', { name: 'Compare version 2' }).check();
  await page.getByRole('button', { name: 'Compare selected (2)' }).click();
  const differences = page.getByRole('region', { name: 'Differences' });
  await expect(differences.getByRole('rowheader', { name: 'Aliases', exact: true })).toBeVisible();
  await expect(differences.getByRole('rowheader', { name: 'model.pkl', exact: true })).toHaveCount(0);
  await differences.getByRole('link', { name: 'All', exact: true }).click();
  await expect(differences.getByRole('rowheader', { name: 'model.pkl', exact: true })).toBeVisible();
  await differences.getByRole('link', { name: 'Take version 2 as base' }).or(differences.getByRole('link', { name: 'Take version 1 as base' })).click();
  await expect(page).toHaveURL(/base=\d/);
  await client.dispose();
});
