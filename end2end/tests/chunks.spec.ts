// The wasm in chunks: a page brings what it needs, and one whose chunk is gone comes from the server.
import { Page } from '@playwright/test';
import { ADMIN, expect, go, ready, test } from '../story';

test('a chunk is fetched with the first of its pages, and the page is not loaded again', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const page = await visit(ADMIN);
  const fetched: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('.wasm')) fetched.push(new URL(request.url()).pathname);
  });
  await go(page, `/t/${team.name}`);
  expect(fetched.filter((path) => path.includes('split_'))).toEqual([]);
  await page.evaluate(() => document.body.setAttribute('data-same', ''));
  await page.getByRole('navigation').getByRole('link', { name: 'Notebooks' }).first().click();
  await expect(page.getByRole('heading', { level: 1, name: 'Notebooks' })).toBeVisible();
  expect(fetched.filter((path) => path.includes('split_work'))).toHaveLength(1);
  await page.getByRole('navigation').getByRole('link', { name: 'Volumes' }).first().click();
  await expect(page.getByRole('heading', { level: 1, name: 'Volumes' })).toBeVisible();
  expect(fetched.filter((path) => path.includes('split_work'))).toHaveLength(1);
  await expect(page.locator('body[data-same]')).toHaveCount(1);
});

test('a page whose chunk is gone is asked for from the server', async ({ workplace, visit, watch }) => {
  watch.allow(/Failed to load resource|WebAssembly|TypeError/);
  const team = await workplace.team();
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}`);
  // As after an upgrade: the tab's chunk is no longer there, the new page's is.
  await page.route(/split_work/, (route) => route.fulfill({ status: 404 }), { times: 1 });
  await page.getByRole('navigation').getByRole('link', { name: 'Notebooks' }).first().click();
  await expect(page).toHaveURL(`/t/${team.name}/notebooks`);
  await ready(page);
  await expect(page.getByRole('heading', { level: 1, name: 'Notebooks' })).toBeVisible();
});

/** Keeps the page from coming alive until what this returns is called. */
async function heldBack(page: Page): Promise<() => void> {
  let letGo = () => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  await page.route(/\.wasm$/, async (route) => {
    await held;
    await route.continue();
  });
  return letGo;
}

test('a menu that is opened before the page is alive stays open', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const page = await visit(ADMIN);
  const letGo = await heldBack(page);
  await page.goto(`/t/${team.name}`);
  await page.locator('.user-menu > summary').click();
  const out = page.getByRole('button', { name: 'Sign out' });
  await expect(out).toBeVisible();
  letGo();
  await ready(page);
  await expect(out).toBeVisible();
  await page.getByRole('navigation').getByRole('link', { name: 'Volumes' }).first().click();
  await expect(page).toHaveURL(/volumes$/);
  await expect(out, 'where one goes, it closes').toBeHidden();
});

test('what is chosen or typed before the page is alive stays', async ({ workplace, visit }) => {
  const team = await workplace.team({ mel: 'member' });
  const page = await visit(ADMIN);
  const letGo = await heldBack(page);
  await page.goto(`/t/${team.name}/members`);
  const [email, role] = [page.getByLabel('Email').first(), page.getByLabel('Role').first()];
  await email.fill(`late-${team.name}@example.com`);
  await role.selectOption('viewer');
  letGo();
  await ready(page);
  await expect(email).toHaveValue(`late-${team.name}@example.com`);
  await expect(role).toHaveValue('viewer');
  await role.selectOption('admin');
  await expect(role).toHaveValue('admin');
});
