// What people see of notebooks: without JavaScript, live in a second browser, and with the keyboard alone.
import { ADMIN, PASSWORD, expect, go, phase, ready, test } from '../story';
import { Api, FILE_SERVER } from '../api';

test.afterAll(({ workplace }) => workplace.giveBack());

test.beforeAll(async ({ workplace }) => {
  await workplace.admin.addCommand('files', 'File server', FILE_SERVER);
});

test('without JavaScript a person signs in, lists, launches and stops', async ({ workplace, visit }) => {
  const team = await workplace.team({ bea: 'member' });
  const page = await visit(undefined, { javaScriptEnabled: false });

  await page.goto(`/t/${team.name}/notebooks`);
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await page.getByLabel('Email').fill(team.email('bea'));
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(new RegExp(`/t/${team.name}/notebooks`));

  await page.getByRole('link', { name: 'New notebook' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill('plain');
  await page.getByLabel('File server').check();
  await page.getByRole('button', { name: 'Launch notebook' }).click();
  await expect(page).toHaveURL(new RegExp(`/t/${team.name}/notebooks/[a-z0-9]{8,}`));
  await expect(async () => {
    await page.reload();
    await expect(phase(page, 'Ready')).toBeVisible({ timeout: 1000 });
  }).toPass();

  await page.goto(`/t/${team.name}/notebooks`);
  await page.getByRole('link', { name: 'plain' }).first().click();
  await page.getByRole('button', { name: 'Stop notebook' }).first().click();
  await expect(async () => {
    await page.reload();
    await expect(phase(page, 'Stopped')).toBeVisible({ timeout: 1000 });
  }).toPass();
});

test('a second browser sees a launch and a stop without reload', async ({ workplace, visit }) => {
  const team = await workplace.team({ cy: 'member' });
  const watching = await visit(ADMIN);
  await go(watching, `/t/${team.name}/notebooks`);
  await watching.evaluate(() => Object.assign(window, { sameDocument: true }));
  const api = await Api.signIn(workplace.portal.url, team.email('cy'));
  const notebook = await api.launch(team.name, 'files', 'seen-live');

  const row = watching.getByRole('row', { name: /seen-live/ });
  await expect(row).toBeVisible();
  await expect(row).toContainText('Ready');
  await api.call('notebooks/stop', { team: team.name, id: notebook.id });
  await expect(row).toContainText('Stopped');
  expect(await watching.evaluate(() => 'sameDocument' in window), 'the page was not reloaded').toBe(true);
  await api.dispose();
});

test('the keyboard alone signs in, finds the form in the palette and launches', async ({ workplace, visit }) => {
  const team = await workplace.team({ dan: 'member' });
  const page = await visit();
  await go(page, `/sign-in?next=/t/${team.name}`);

  await tabTo(page, 'Email');
  await page.keyboard.type(team.email('dan'));
  await tabTo(page, 'Password');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/t/${team.name}$`));
  await ready(page);

  await expect(async () => {
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('dialog')).toBeVisible({ timeout: 1000 });
  }).toPass();
  await page.keyboard.type('New notebook');
  await expect(page.getByRole('option', { name: /New notebook/ }).first()).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/notebooks\/new/);

  await tabTo(page, 'Name');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('by-hand');
  await tabTo(page, 'Launch notebook');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/t/${team.name}/notebooks/[a-z0-9]{8,}`));
  await expect(page.getByRole('heading', { name: 'by-hand' })).toBeVisible();
});

/** Presses Tab until the control of this name has the focus, which must be visible. */
async function tabTo(page: import('@playwright/test').Page, name: string): Promise<void> {
  const control = page.getByLabel(name, { exact: true }).or(page.getByRole('button', { name, exact: true }));
  for (let presses = 0; presses < 80; presses++) {
    if (await control.first().evaluate((e) => e === document.activeElement)) {
      const seen = await control.first().evaluate((e) => {
        const { outlineStyle, boxShadow } = getComputedStyle(e);
        return e.matches(':focus-visible') && (outlineStyle !== 'none' || boxShadow !== 'none');
      });
      expect(seen, `the focus on "${name}" can be seen`).toBe(true);
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach "${name}"`);
}

test('a quota that an administrator sets is seen by its team before the click, and kept', async ({ workplace, visit, watch }) => {
  watch.allow(/status of 400/);
  // It needs two CPUs, and the machine may have no more.
  await workplace.giveBack();
  const team = await workplace.team({ eli: 'member' });
  const boss = await visit(ADMIN);
  await go(boss, '/admin/teams');
  const row = boss.getByRole('row', { name: new RegExp(team.name) });
  await expect(row).toContainText('No limit');
  const quota = async (cpus: string) => {
    await row.locator('summary', { hasText: 'Set quota' }).click();
    const dialog = boss.getByRole('dialog', { name: `Quota of ${team.name}` });
    await dialog.getByLabel('CPUs').fill(cpus);
    return dialog;
  };
  // What is no number is said at its field, and nothing is lost.
  let dialog = await quota('many');
  await dialog.getByLabel('Memory in GiB').fill('64');
  await dialog.getByRole('button', { name: 'Set quota' }).click();
  await expect(dialog.locator('.field-error', { hasText: 'Write a whole number' })).toBeVisible();
  await expect(dialog.getByLabel('Memory in GiB')).toHaveValue('64');
  await dialog.getByLabel('CPUs').fill('1');
  await dialog.getByRole('button', { name: 'Set quota' }).click();
  await expect(row).toContainText('0 of 1 CPU · 0.0 GiB of 64.0 GiB');

  const page = await visit(team.email('eli'));
  await go(page, `/t/${team.name}/notebooks/new`);
  await page.getByLabel('Name', { exact: true }).fill('first');
  await page.getByLabel('File server').check();
  await page.getByLabel('CPUs').fill('2');
  const review = page.getByRole('complementary', { name: 'What will happen' });
  await expect(review).toContainText(`Never fits`);
  await expect(review).toContainText(`The quota of team ${team.name} is 1 CPU (2 asked for).`);
  await page.getByLabel('CPUs').fill('1');
  await expect(review).toContainText('Fits now');
  await expect(review).toContainText("The team's quota with it: 1 of 1 CPU");
  await page.getByRole('button', { name: 'Launch notebook' }).click();
  await expect(phase(page, 'Ready')).toBeVisible();
  await expect(row).toContainText('1 of 1 CPU');

  await go(page, `/t/${team.name}/notebooks/new`);
  await page.getByLabel('Name', { exact: true }).fill('second');
  await page.getByLabel('File server').check();
  await page.getByLabel('CPUs').fill('1');
  await expect(review).toContainText('Would queue');
  await page.getByRole('button', { name: 'Launch notebook' }).click();
  await expect(page.getByText(`Waits for 1 CPU (1 of 1 in use) in the quota of team ${team.name}.`).first()).toBeVisible();
  await go(page, `/t/${team.name}`);
  await expect(page.getByRole('heading', { name: 'Quota of the team' })).toBeVisible();
  await expect(page.getByText('1 of 1 in use', { exact: true })).toBeVisible();

  // More room, and what waited starts by itself.
  dialog = await quota('2');
  await expect(dialog.getByLabel('Memory in GiB')).toHaveValue('64');
  await dialog.getByRole('button', { name: 'Set quota' }).click();
  await go(page, `/t/${team.name}/notebooks`);
  await expect(page.getByRole('row', { name: /second/ })).toContainText('Ready');
});
