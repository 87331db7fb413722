// Pages that are open while somebody else works: what they show follows, and what one is doing on them stays.
import { ADMIN, expect, go, phase, ready, test } from '../story';
import { Api, FILE_SERVER } from '../api';

test.afterAll(({ workplace }) => workplace.giveBack());

test.beforeAll(async ({ workplace }) => {
  await workplace.admin.addCommand('live-files', 'Live server', FILE_SERVER);
});

test('what stops, fails or is deleted leaves "Running now", and activity and use follow', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const page = await visit(ADMIN);
  const api = workplace.admin;
  await go(page, `/t/${team.name}`);
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  const running = page.getByRole('region', { name: 'Running now' });
  const activity = page.getByRole('region', { name: 'Recent activity' });
  const machine = page.getByRole('region', { name: 'This machine' });
  await expect(running.getByText('Nothing is running')).toBeVisible();
  const free = await machine.getByText(/CPUs/).first().locator('..').innerText();

  const stops = await api.launch(team.name, 'live-files', 'stops');
  await expect(running.getByText('stops')).toBeVisible();
  await expect(running.getByText('Ready')).toBeVisible();
  await expect(machine.getByText(/CPUs/).first().locator('..')).not.toHaveText(free);
  await api.call('notebooks/stop', { team: team.name, id: stops.id });
  await expect(running.getByText('Nothing is running')).toBeVisible();
  await expect(activity.getByText('stopped notebook')).toBeVisible();
  await expect.poll(() => machine.getByText(/CPUs/).first().locator('..').innerText()).toBe(free);

  await api.addCommand('live-false', 'Ends at once', ['/bin/false', '{port}']);
  await api.launch(team.name, 'live-false', 'fails');
  await expect(page.getByText(/Notebook fails failed/).first()).toBeVisible();
  await expect(running.getByText('Nothing is running')).toBeVisible();

  const goes = await api.launch(team.name, 'live-files', 'goes');
  await expect(running.getByText('goes')).toBeVisible();
  await api.call('notebooks/delete', { team: team.name, id: goes.id, delete_home: true });
  await expect(running.getByText('goes')).toHaveCount(0);
  await expect(activity.getByText('deleted notebook')).toBeVisible();
  await api.call('identity/create_token', { new: { name: 'for-activity', team: team.name, role: 'viewer', days: 1 } });
  await expect(activity.getByText('for-activity')).toBeVisible();
  expect(await page.evaluate(() => 'sameDocument' in window), 'the page was not reloaded').toBe(true);
});

test('members, volumes and the catalogue follow, and an open dialog and a half-typed field stay', async ({ workplace, visit }) => {
  const team = await workplace.team({ mel: 'member' });
  const api = workplace.admin;
  const page = await visit(ADMIN);

  await go(page, `/t/${team.name}/members`);
  await page.getByLabel('Email').first().fill('half-typed');
  await page.getByRole('row', { name: /mel/ }).getByText('Remove', { exact: true }).click();
  const dialog = page.getByRole('dialog', { name: /Remove mel/ });
  await expect(dialog).toBeVisible();
  const email = `new-${team.name}@example.com`;
  await api.call('identity/add_user', { email, name: 'Aaron', password: 'correct horse battery', admin: false });
  await api.call('teams/set_member', { team: team.name, email, role: 'viewer' });
  await expect(page.locator('tbody tr', { hasText: email })).toHaveCount(1);
  await expect(dialog, 'of mel, though a row came above').toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByLabel('Email').first()).toHaveValue('half-typed');
  await api.call('teams/set_member', { team: team.name, email, role: 'admin' });
  await expect(page.getByRole('row', { name: /Aaron/ })).toContainText('admin');

  await go(page, `/t/${team.name}/volumes`);
  await expect(page.getByText('No volumes yet')).toBeVisible();
  await api.call('volumes/create', { team: team.name, name: 'shared' });
  await expect(page.getByRole('row', { name: /shared/ })).toBeVisible();
  await api.call('volumes/remove', { team: team.name, name: 'shared' });
  await expect(page.getByText('No volumes yet')).toBeVisible();

  await go(page, '/admin/environments');
  await api.addCommand(`made-${team.name}`, `Made for ${team.name}`, FILE_SERVER);
  await expect(page.getByRole('link', { name: `Made for ${team.name}` })).toBeVisible();
  await api.call('environments/remove', { name: `made-${team.name}` });
  await expect(page.getByRole('link', { name: `Made for ${team.name}` })).toHaveCount(0);

  await go(page, '/admin/teams');
  await api.call('teams/create', { name: `${team.name}-two` });
  await expect(page.getByRole('row', { name: new RegExp(`${team.name}-two`) })).toBeVisible();
});

test('what changes while a page is being fetched is on it', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}`);
  let asked = 0;
  let giveOut = () => {};
  const held = new Promise<void>((resolve) => (giveOut = resolve));
  await page.route('**/teams/list_all*', async (route) => {
    // The first answer, of before the change, arrives after the page has heard of the change.
    const response = await route.fetch();
    if (++asked === 1) await held;
    await route.fulfill({ response });
  });
  const first = page.waitForRequest('**/teams/list_all*');
  await page.locator('.sidebar a[href="/admin/teams"]').click();
  await first;
  await expect.poll(() => asked).toBe(1);
  const late = `${team.name}-late`;
  await workplace.admin.call('teams/create', { name: late });
  await expect(page.locator(`.sidebar a[href="/t/${late}"]`)).toHaveCount(1);
  giveOut();
  await expect(page.getByRole('row', { name: new RegExp(late) })).toBeVisible();
  await page.unrouteAll({ behavior: 'wait' });
});

test('what becomes of a notebook while its page is being fetched is on it', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const api = workplace.admin;
  const { id } = await api.launch(team.name, 'live-files', 'held');
  await api.until(team.name, id, ['ready']);
  const page = await visit(ADMIN);
  const heard = new Promise<void>((told) =>
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => String(payload).includes('"phase":"stopped"') && told())),
  );
  await go(page, `/t/${team.name}/notebooks`);
  const row = page.getByRole('row', { name: /held/ });
  await expect(row).toContainText('Ready');
  let giveOut = () => {};
  const held = new Promise<void>((resolve) => (giveOut = resolve));
  const asked = new Promise<void>((resolve) => {
    void page.route('**/notebooks/get*', async (route) => {
      // The answer, of before it was stopped, arrives after the page has heard that it has stopped.
      const response = await route.fetch();
      resolve();
      await held;
      await route.fulfill({ response });
    });
  });
  await row.getByRole('link', { name: 'held', exact: true }).click();
  await asked;
  await api.call('notebooks/stop', { team: team.name, id });
  await api.until(team.name, id, ['stopped']);
  await heard;
  giveOut();
  await expect(phase(page, 'Stopped')).toBeVisible();
  await page.unrouteAll({ behavior: 'wait' });
});

test('a new team appears in the switcher of whoever is added to it', async ({ workplace, visit }) => {
  const first = await workplace.team({ kim: 'member' });
  const second = await workplace.team();
  const page = await visit(first.email('kim'));
  await go(page, `/t/${first.name}`);
  await workplace.admin.call('teams/set_member', { team: second.name, email: first.email('kim'), role: 'viewer' });
  await expect(page.locator(`.sidebar a[href="/t/${second.name}"]`)).toHaveCount(1);
});

test('a long list comes in pages: counted, selected by the page, searched as a whole', async ({ workplace, visit }) => {
  const team = await workplace.team();
  const api = workplace.admin;
  const ids: string[] = [];
  for (let i = 0; i < 27; i++) ids.push((await api.launch(team.name, 'live-files', `many-${String(i).padStart(2, '0')}`)).id);
  const page = await visit(ADMIN);
  await go(page, `/t/${team.name}/notebooks?sort=name`);
  const rows = page.locator('tbody tr');
  await expect(rows).toHaveCount(25);
  await expect(page.getByText('1–25 of 27')).toBeVisible();
  await page.getByRole('checkbox', { name: 'Select all on this page' }).check();
  await expect(page.getByText('25 of 27 selected')).toBeVisible();
  await page.getByRole('link', { name: 'Next page' }).press('Enter');
  await expect(page).toHaveURL(/sort=name.*page=2|page=2.*sort=name/);
  await expect(rows).toHaveCount(2);
  await expect(page.getByText(/selected/), 'what is not on the page is not selected').toHaveCount(0);
  await page.getByRole('searchbox').fill('many-0');
  await expect(page.getByText('10 of 27')).toBeVisible();
  await expect(rows).toHaveCount(10);
  await page.goBack();
  await page.mouse.move(0, 0);
  for (const id of ids) await api.call('notebooks/delete', { team: team.name, id, delete_home: true });
  await expect(page.getByText('No notebooks yet')).toBeVisible();
});

test('a page whose code does not load says so, and its links work', async ({ workplace, visit, watch }) => {
  const team = await workplace.team({ rae: 'member' });
  const page = await visit(team.email('rae'));
  watch.allow(/ERR_FAILED|could not be loaded|Failed to fetch/);
  await page.route(/\/pkg\/.*\.wasm/, (route) => route.abort());
  await page.goto(`/t/${team.name}/notebooks`);
  await expect(page.getByRole('alert').filter({ hasText: 'could not be loaded' })).toBeVisible();
  await page.unrouteAll();
  await page.getByRole('link', { name: 'Experiments', exact: true }).first().click();
  await expect(page.getByRole('heading', { name: /^Experiments/ })).toBeVisible();
  await ready(page);
  await expect(page.getByText('could not be loaded')).toBeHidden();
});

test('without JavaScript a launch is looked at before it is made', async ({ workplace, visit }) => {
  const team = await workplace.team({ rae: 'member' });
  const page = await visit(team.email('rae'), { javaScriptEnabled: false });
  await page.goto(`/t/${team.name}/notebooks/new`);
  const review = page.getByRole('complementary', { name: 'What will happen' });
  await expect(review.getByText(/Free now: \d+ of \d+ CPUs/)).toBeVisible();
  await expect(review.getByText('Idle stop'), 'no facts that what is typed would make untrue').toBeHidden();
  await page.getByLabel('Name', { exact: true }).fill('looked-at');
  await page.getByLabel('Live server').check();
  await page.getByRole('button', { name: 'Review launch' }).click();
  await expect(page).toHaveURL(/draft=/);
  await expect(review.getByText('looked-at', { exact: true })).toBeVisible();
  await expect(review.getByText(/Live server 1/)).toBeVisible();
  await expect(review.getByText('Idle stop')).toBeVisible();
  await page.getByRole('button', { name: 'Launch notebook' }).click();
  await expect(page).toHaveURL(new RegExp(`/t/${team.name}/notebooks/[a-z0-9]{8,}$`));
  await expect(page.getByRole('heading', { name: 'looked-at' })).toBeVisible();
});
