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
