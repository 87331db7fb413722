// Registered models: found, given an alias, deleted; and whoever looks at them sees it at once.
import { ADMIN, expect, go, test } from '../story';
import { Client, register } from '../pages';

test('an alias is set by dialog and seen on another page at once, and a deleted version is gone from it', async ({ workplace, visit, watch }) => {
  // A name that no alias may have is tried.
  watch.allow(/status of 400/);
  const team = await workplace.team({ mel: 'member', vic: 'viewer' });
  const client = await Client.of(workplace.portal.url, workplace.admin, team.name);
  const member = await visit(team.email('mel'));
  const viewer = await visit(team.email('vic'));

  await go(member, `/t/${team.name}/models`);
  await expect(member.getByText('No models yet')).toBeVisible();
  const { experiment_id: experiment } = await client.ask<{ experiment_id: string }>('experiments/create', { name: 'churn' });
  const { run } = await client.ask<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment, run_name: 'depth-4' });
  await register(client, 'churn', experiment, run.info.run_id);
  await expect(member.getByRole('row', { name: /churn/ }), 'seen without a reload').toContainText('champion: 1');

  await go(viewer, `/t/${team.name}/models/churn`);
  await viewer.evaluate(() => Object.assign(window, { sameDocument: true }));
  const seen = (number: number) => viewer.getByRole('row', { name: new RegExp(`Version ${number}`) });
  await expect(seen(2)).toBeVisible();
  await expect(viewer.getByText('Set alias'), 'a viewer presses nothing').toHaveCount(0);
  await expect(viewer.getByText('Delete model')).toHaveCount(0);

  await member.getByRole('row', { name: /churn/ }).getByRole('link', { name: 'churn', exact: true }).click();
  await expect(member.getByRole('heading', { level: 1, name: 'churn' })).toBeVisible();
  const second = member.getByRole('row', { name: /Version 2/ });
  await second.locator('summary', { hasText: 'Set alias' }).click();
  const dialog = member.getByRole('dialog', { name: 'Set an alias of version 2' });
  await dialog.getByLabel('Alias', { exact: true }).fill('v2');
  await dialog.getByRole('button', { name: 'Set alias' }).click();
  await expect(dialog.getByText(/reads like a version/).first()).toBeVisible();
  await dialog.getByLabel('Alias', { exact: true }).fill('champion');
  await dialog.getByRole('button', { name: 'Set alias' }).click();
  await expect(dialog).toBeHidden();
  await expect(second).toContainText('champion');
  await expect(seen(2)).toContainText('champion');
  await expect(seen(1), 'an alias is of one version').not.toContainText('champion');

  await member.getByRole('row', { name: /Version 1/ }).getByText('Delete', { exact: true }).click();
  const asked = member.getByRole('dialog', { name: 'Delete version 1 of churn' });
  await expect(asked.getByText(/Its number is not used again/)).toBeVisible();
  await asked.getByRole('button', { name: 'Delete version' }).click();
  await expect(member.getByRole('row', { name: /Version 1/ })).toHaveCount(0);
  await expect(seen(1)).toHaveCount(0);
  await expect(seen(2)).toBeVisible();
  expect(await viewer.evaluate(() => 'sameDocument' in window), 'the page was not reloaded').toBe(true);
  await client.dispose();
});

test('a version says what it takes and gives, how to load it, and gives its files; what is typed stays while others work', async ({ workplace, visit, watch }) => {
  // At the end the version is deleted under the page.
  watch.allow(/status of 404/);
  const team = await workplace.team();
  const client = await Client.of(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await client.ask<{ experiment_id: string }>('experiments/create', { name: 'churn' });
  const { run } = await client.ask<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment, run_name: 'depth-4' });
  await register(client, 'churn', experiment, run.info.run_id);
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/models/churn/versions/1`);
  await expect(page.getByRole('heading', { level: 1, name: 'churn version 1' })).toBeVisible();
  await expect(page.getByRole('table', { name: 'Inputs of the model' }).getByRole('row', { name: /plan/ })).toContainText('No');
  await expect(page.getByRole('table', { name: 'Outputs of the model' })).toContainText('float32 (-1, 2)');
  await expect(page.getByText('load_model("models:/churn@champion")')).toBeVisible();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'model.pkl' }).click();
  expect((await download).suggestedFilename()).toBe('model.pkl');

  await page.getByRole('region', { name: 'Description' }).getByText('Edit', { exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit description' });
  await dialog.getByLabel('Description', { exact: true }).fill('Half-typed: **mind the age**');
  await client.ask('registered-models/alias', { name: 'churn', alias: 'candidate', version: '1' });
  await expect(page.getByText('load_model("models:/churn@candidate")'), 'behind the dialog').toHaveCount(1);
  await expect(dialog.getByLabel('Description', { exact: true }), 'what is typed stays').toHaveValue('Half-typed: **mind the age**');
  await dialog.getByRole('button', { name: 'Save description' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('region', { name: 'Description' }).locator('strong'), 'as Markdown means it').toHaveText('mind the age');

  await workplace.admin.call('registry/delete_version', { team: team.name, model: 'churn', version: 1 });
  await expect(page.getByText(/no longer here/)).toBeVisible();
  await page.getByRole('link', { name: 'See what there is' }).click();
  await expect(page.getByRole('row', { name: /Version 2/ })).toBeVisible();
  await client.dispose();
});

test('without JavaScript an alias is set and a model deleted by plain forms', async ({ workplace, visit }) => {
  const team = await workplace.team({ rae: 'member' });
  const client = await Client.of(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await client.ask<{ experiment_id: string }>('experiments/create', { name: 'churn' });
  const { run } = await client.ask<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment, run_name: 'depth-4' });
  await register(client, 'churn', experiment, run.info.run_id);
  const page = await visit(team.email('rae'), { javaScriptEnabled: false });
  await page.goto(`/t/${team.name}/models/churn`);
  const second = page.getByRole('row', { name: /Version 2/ });
  await second.locator('summary', { hasText: 'Set alias' }).click();
  await second.getByLabel('Alias', { exact: true }).fill('candidate');
  await second.getByRole('button', { name: 'Set alias' }).click();
  await expect(page).toHaveURL(new RegExp(`/t/${team.name}/models/churn`));
  await expect(page.getByRole('row', { name: /Version 2/ })).toContainText('candidate');
  await page.locator('summary', { hasText: 'Delete model' }).click();
  await page.getByRole('button', { name: 'Delete model' }).click();
  await expect(page.getByText('No models yet')).toBeVisible();
  await client.dispose();
});
