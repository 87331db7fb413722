// Sign-in with the company's identity provider, a real one: added by an administrator, used by somebody who has no account yet.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Page } from '@playwright/test';
import { Api } from '../api';
import { ADMIN, PASSWORD, Slipway, Watch, accessibilityFindings, expect, go, test } from '../story';

const SECRET = 'a secret of forty characters, more or less';

let provider: ChildProcess | undefined;
test.afterEach(() => void provider?.kill());

async function start(portal: string): Promise<string> {
  const started = spawn(process.execPath, [resolve(__dirname, '../sso-provider.mjs'), SECRET, portal], { stdio: ['pipe', 'pipe', 'pipe'] });
  provider = started;
  let complaints = '';
  started.stderr.on('data', (text) => (complaints += text));
  for await (const line of createInterface({ input: started.stdout })) if (line.startsWith('http')) return line;
  throw new Error(`the provider ended: ${complaints}`);
}

test('somebody signs in with the company’s provider, gets an account without rights, and comes back as the same', async ({ workplace, visit, watch }) => {
  // An answer that belongs to no sign-in here is one of the steps.
  watch.allow(/status of 400/);
  const url = workplace.portal.url;
  const issuer = await start(url);
  const team = await workplace.team();

  const ada = await visit(ADMIN);
  await go(ada, '/admin/sign-in');
  await expect(ada.getByText('No identity provider yet')).toBeVisible();
  await expect(ada.getByText(`${url}/sso/callback`)).toBeVisible();
  await ada.locator('summary', { hasText: 'Add provider' }).click();
  const dialog = ada.getByRole('dialog', { name: 'Add identity provider' });
  await dialog.getByLabel('Name', { exact: true }).fill('Company');
  await dialog.getByLabel('Issuer', { exact: true }).fill(`${issuer}/wrong`);
  await dialog.getByLabel('Client id', { exact: true }).fill('slipway');
  await dialog.getByLabel('Client secret', { exact: true }).fill(SECRET);
  expect(await accessibilityFindings(ada)).toEqual([]);
  watch.allow(/status of 503/);
  await dialog.getByRole('button', { name: 'Add provider' }).click();
  await expect(dialog.getByText(/cannot be read at .*openid-configuration/)).toBeVisible();
  await dialog.getByLabel('Issuer', { exact: true }).fill(issuer);
  await dialog.getByRole('button', { name: 'Add provider' }).click();
  await expect(ada.getByRole('row', { name: /Company/ })).toContainText(issuer);
  expect(await accessibilityFindings(ada)).toEqual([]);

  const eva = await visit();
  const answers: string[] = [];
  eva.on('request', (request) => request.url().startsWith(`${url}/sso/callback`) && answers.push(request.url()));
  await go(eva, '/account');
  await expect(eva).toHaveURL(/sign-in\?next=/);
  expect(await accessibilityFindings(eva)).toEqual([]);
  await eva.getByRole('link', { name: 'Sign in with Company' }).click();
  await expect(eva).toHaveURL(new RegExp(`^${issuer}/interaction/`));
  await eva.getByPlaceholder('Enter any login').fill('eva');
  await eva.getByPlaceholder('and password').fill('anything');
  await eva.getByRole('button', { name: 'Sign-in' }).click();
  await eva.getByRole('button', { name: 'Continue' }).click();
  // The account is made, and waits.
  watch.allow(/status of 403/);
  await expect(eva.getByRole('alert')).toContainText('waits for an administrator');
  expect(await accessibilityFindings(eva)).toEqual([]);
  expect((await eva.request.get(answers[0], { maxRedirects: 0 })).status(), 'an answer is good for one').toBe(400);
  await go(ada, '/admin/users');
  await ada.getByRole('row', { name: /eva@corp\.example/ }).locator('summary', { hasText: 'Enable' }).click();
  await ada.getByRole('dialog', { name: /Enable/ }).getByRole('button', { name: 'Enable' }).click();
  await expect(ada.getByRole('row', { name: /eva@corp\.example/ })).toContainText('Active');
  await go(eva, '/account');
  await eva.getByRole('link', { name: 'Sign in with Company' }).click();
  await expect(eva).toHaveURL(`${url}/account`);
  await expect(eva.getByRole('main').getByText('eva@corp.example').first()).toBeVisible();
  await expect(eva.getByText('where your password is changed')).toBeVisible();
  const mine = (await eva.context().cookies(url)).find((cookie) => cookie.name === 'slipway')!;
  expect([mine.httpOnly, mine.sameSite]).toEqual([true, 'Lax']);

  // The account is the administrator's to let in somewhere; the next sign-in is the same person's.
  await workplace.admin.call('teams/set_member', { team: team.name, email: 'eva@corp.example', role: 'viewer' });
  await eva.context().clearCookies({ name: 'slipway' });
  await go(eva, `/t/${team.name}`);
  await eva.getByRole('link', { name: 'Sign in with Company' }).click();
  await expect(eva, 'the provider knows them still').toHaveURL(`${url}/t/${team.name}`);
  await go(ada, '/admin/sign-in');
  await expect(ada.getByRole('row', { name: /Company/ }).getByRole('cell', { name: '1', exact: true })).toBeVisible();

  // An answer that began elsewhere signs nobody in.
  const stranger = await visit();
  const answer = await stranger.goto(`${url}/sso/callback?code=stolen&state=of-somebody-else`);
  expect(answer!.status()).toBe(400);
  await expect(stranger.getByRole('alert')).toContainText('began in another browser');
  await stranger.getByRole('link', { name: 'Sign in again' }).click();
  await expect(stranger.getByRole('link', { name: 'Sign in with Company' })).toBeVisible();
  await go(stranger, '/account');
  await expect(stranger, 'nobody is signed in').toHaveURL(/\/sign-in\?next=/);

  // What was switched off is not offered, and leads nowhere.
  const begin = await stranger.getByRole('link', { name: 'Sign in with Company' }).getAttribute('href');
  await ada.getByRole('row', { name: /Company/ }).locator('summary', { hasText: 'Switch off' }).click();
  await ada.getByRole('dialog', { name: 'Switch off Company' }).getByRole('button', { name: 'Switch off' }).click();
  await expect(ada.getByRole('row', { name: /Company/ })).toContainText('Off');
  await stranger.goto(url + begin!);
  await expect(stranger.getByText('This identity provider is not offered any more.')).toBeVisible();
  await expect(stranger.getByRole('link', { name: 'Sign in with Company' })).toHaveCount(0);
});

test('groups of the company give roles, are taken away while a page is open, and its sign-out ends the session here', async ({ workplace, visit, watch }) => {
  watch.allow(/status of 40[134]|WebSocket/);
  const url = workplace.portal.url;
  const issuer = await start(url);
  const say = (groups: Record<string, string[]>) => provider!.stdin!.write(`${JSON.stringify(groups)}\n`);
  const team = await workplace.team();
  await workplace.admin.call('sso/save', { id: '', form: { name: 'Corp', issuer, client_id: 'slipway', client_secret: SECRET, scopes: '', admits: 'false', groups_claim: '' } });

  // Nobody has signed in yet: the rule is made for whoever comes.
  const ada = await visit(ADMIN);
  await go(ada, '/admin/sign-in');
  await ada.getByRole('link', { name: 'Groups of Corp' }).click();
  await expect(ada.getByRole('heading', { name: 'Groups of Corp' })).toBeVisible();
  await expect(ada.getByText('No rule yet')).toBeVisible();
  expect(await accessibilityFindings(ada)).toEqual([]);
  const add = async (group: string, kind: string, role: string) => {
    await ada.getByLabel('A group that').selectOption(kind);
    await ada.getByLabel('Group', { exact: true }).fill(group);
    await ada.getByLabel('gives in team').selectOption(team.name);
    await ada.getByLabel('the role').selectOption(role);
    await ada.getByRole('button', { name: 'Show who would get what' }).click();
  };
  await add('ml-', 'prefix', 'member');
  await expect(ada.getByText('The rule takes effect as people do.')).toBeVisible();
  await expect(ada, 'what is asked is in the address').toHaveURL(/group=ml-&team=/);
  await ada.getByRole('button', { name: 'Add rule' }).click();
  await expect(ada.getByRole('row', { name: /ml-…/ })).toContainText('member');

  say({ eva: ['ml-staff', 'all'] });
  const eva = await visit();
  await go(eva, `/t/${team.name}/members`);
  await eva.getByRole('link', { name: 'Sign in with Corp' }).click();
  await eva.getByPlaceholder('Enter any login').fill('eva');
  await eva.getByPlaceholder('and password').fill('anything');
  await eva.getByRole('button', { name: 'Sign-in' }).click();
  await eva.getByRole('button', { name: 'Continue' }).click();
  // Let in by the rule, without waiting for anybody.
  await expect(eva).toHaveURL(`${url}/t/${team.name}/members`);
  await expect(eva.getByRole('row', { name: /eva/ })).toContainText('member by a group');

  // A second rule shows whom it touches before it is there.
  await ada.reload();
  await expect(ada.getByRole('row', { name: /eva/ })).toContainText('ml-staff');
  await add('all', 'exact', 'admin');
  await expect(ada.getByText('Fits 1 of 1 that have signed in. The role of 1 person changes:')).toBeVisible();
  const change = ada.getByRole('table', { name: 'Who would get what' }).getByRole('row', { name: /eva/ });
  await expect(change.getByRole('cell').nth(1)).toHaveText('member');
  await expect(change.getByRole('cell').nth(2)).toHaveText('admin');
  expect(await accessibilityFindings(ada)).toEqual([]);
  await ada.getByRole('link', { name: 'Cancel' }).click();
  await expect(ada.getByRole('table', { name: 'Who would get what' })).toHaveCount(0);

  // The company takes her out of the group: within a minute her open page has no team.
  say({ eva: [] });
  await expect(async () => {
    const answer = await eva.request.get(`${url}/t/${team.name}/members`, { maxRedirects: 0 });
    expect(answer.status()).toBe(404);
  }).toPass({ timeout: 60_000, intervals: [1000] });

  // She leaves the company's own pages, which tells this portal from server to server.
  const corporate = await eva.context().newPage();
  await corporate.goto(`${issuer}/session/end`);
  await corporate.getByRole('button', { name: /Yes, sign me out/ }).click();
  await expect(async () => {
    const answer = await eva.request.get(`${url}/account`, { maxRedirects: 0 });
    expect(answer.headers().location).toContain('/sign-in?next=');
  }).toPass({ timeout: 20_000, intervals: [500] });

  // Her sign-out here leads to the company's.
  const second = await visit();
  await go(second, '/account');
  await second.getByRole('link', { name: 'Sign in with Corp' }).click();
  await second.getByPlaceholder('Enter any login').fill('eva');
  await second.getByPlaceholder('and password').fill('anything');
  await second.getByRole('button', { name: 'Sign-in' }).click();
  await second.getByRole('button', { name: 'Continue' }).click();
  await expect(second).toHaveURL(`${url}/account`);
  await second.locator('.user-menu > summary').click();
  await second.getByRole('button', { name: 'Sign out' }).click();
  await expect(second.getByText('You are signed out here. Corp may still know you in this browser.')).toBeVisible();
  expect(await accessibilityFindings(second)).toEqual([]);
  await second.getByRole('link', { name: 'Sign out of Corp, too' }).click();
  await expect(second).toHaveURL(new RegExp(`^${issuer}/session/end`));
  await second.getByRole('button', { name: /Yes, sign me out/ }).click();
  await expect(second.getByText('You are signed out here and at the identity provider.')).toBeVisible();
});

/** Signs in at the provider, who has not seen this browser before. */
async function atProvider(page: Page, login: string): Promise<void> {
  await page.getByRole('link', { name: 'Sign in with Company' }).click();
  await page.getByPlaceholder('Enter any login').fill(login);
  await page.getByPlaceholder('and password').fill('anything');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function withPassword(page: Page): Promise<void> {
  await go(page, '/sign-in?with=password');
  await page.getByLabel('Email').fill(ADMIN);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('local accounts are switched off, break-glass lets one administrator in, and the access page tells of everybody', async ({ browser }) => {
  // A portal of its own: on the one that stories share, others sign in with passwords.
  const portal = await Slipway.start();
  const watch = new Watch(portal.url);
  // What is refused on purpose.
  watch.allow(/status of 400/);
  const contexts: { close: () => Promise<void> }[] = [];
  const visit = async (storageState?: Awaited<ReturnType<Api['storageState']>>) => {
    const context = await browser.newContext({ baseURL: portal.url, storageState });
    contexts.push(context);
    watch.over(context);
    return context.newPage();
  };
  try {
    const admin = await Api.setUp(portal.url, portal.code(), ADMIN);
    const issuer = await start(portal.url);
    await admin.call('sso/save', { form: { name: 'Company', issuer, client_id: 'slipway', client_secret: SECRET, admits: true } });
    await admin.call('teams/create', { name: 'vision' });

    const ada = await visit(await admin.storageState());
    await go(ada, '/admin/sign-in');
    const card = (page: Page) => page.getByRole('region', { name: 'Local accounts' });
    const switchOff = async (page: Page) => {
      await card(page).locator('summary', { hasText: 'Switch off' }).click();
      await page.getByRole('dialog', { name: 'Switch off local accounts' }).getByRole('button', { name: 'Switch off local accounts' }).click();
    };
    watch.allow(/status of 409/);
    await switchOff(ada);
    await expect(ada.getByRole('dialog', { name: 'Switch off local accounts' })).toContainText('you do not lock yourself out');

    const eva = await visit();
    await go(eva, '/account');
    await atProvider(eva, 'eva');
    await expect(eva).toHaveURL(`${portal.url}/account`);
    const users = await admin.call<{ id: string; email: string }[]>('identity/list_users');
    await admin.call('identity/set_admin', { user: users.find((user) => user.email === 'eva@corp.example')!.id, admin: true });
    await go(eva, '/admin/sign-in');
    await expect(card(eva)).toContainText('On');
    expect(await accessibilityFindings(eva)).toEqual([]);
    await switchOff(eva);
    await expect(card(eva)).toContainText('Off');
    expect(await accessibilityFindings(eva)).toEqual([]);

    // Whoever came in with a password is out, and comes in no more.
    await go(ada, '/account');
    await expect(ada).toHaveURL(/sign-in\?next=/);
    await expect(ada.getByText('Passwords of this portal are switched off.')).toBeVisible();
    await expect(ada.getByLabel('Password')).toHaveCount(0);
    expect(await accessibilityFindings(ada)).toEqual([]);
    await withPassword(ada);
    await expect(ada.getByRole('alert')).toContainText('Sign in with your identity provider');

    const told = portal.command(['user', 'break-glass', ADMIN, '--reason', 'the provider is down']);
    expect(told).toContain('/sign-in?with=password');
    await withPassword(ada);
    await expect(ada).toHaveURL(`${portal.url}/t/vision`);
    await go(eva, '/admin/sign-in');
    await expect(card(eva).getByRole('note')).toContainText(`Break-glass is open. ${ADMIN} may sign in with a password`);
    await expect(card(eva).getByRole('note')).toContainText('the provider is down');
    expect(await accessibilityFindings(eva)).toEqual([]);

    // No password is set that would let nobody in.
    await go(eva, '/admin/users');
    await expect(eva.getByText('Local accounts are switched off')).toBeVisible();
    await expect(eva.getByRole('row', { name: /ada@example\.com/ }).getByText('Remove administrator').first()).toBeVisible();
    await expect(eva.getByText('Reset password')).toHaveCount(0);
    await expect(eva.getByText('Add user')).toHaveCount(0);
    expect(await accessibilityFindings(eva)).toEqual([]);

    await go(eva, '/');
    await eva.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Access' }).click();
    await expect(eva.getByRole('row', { name: /ada@example\.com/ })).toContainText('password (switched off)');
    await expect(eva.getByRole('row', { name: /ada@example\.com/ })).toContainText('vision');
    await expect(eva.getByRole('row', { name: /eva@corp\.example/ })).toContainText('Company');
    expect(await accessibilityFindings(eva)).toEqual([]);
    await eva.getByRole('search', { name: 'Filter access' }).getByLabel('Person').fill('eva');
    await eva.getByRole('button', { name: 'Filter access' }).click();
    await expect(eva).toHaveURL(/\/admin\/access\?.*q=eva/);
    await expect(eva.getByRole('row', { name: /ada@example\.com/ })).toHaveCount(0);
    const [download] = await Promise.all([eva.waitForEvent('download'), eva.getByRole('link', { name: 'Export CSV' }).click()]);
    const csv = readFileSync(await download.path(), 'utf8');
    expect(download.suggestedFilename()).toBe('access.csv');
    expect(csv).toContain('"eva@corp.example","eva of the company","Company",yes,on');
    expect(csv).not.toContain(ADMIN);
    expect(watch.unexpected()).toEqual([]);
    await admin.dispose();
  } finally {
    for (const context of contexts) await context.close();
    await portal.dispose();
  }
});
