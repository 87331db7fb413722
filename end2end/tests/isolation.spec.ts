// A notebook is untrusted: its page gets nothing of the portal, and loses its door when its owner does.
import { ADMIN, expect, go, phase, test } from '../story';
import { Api, FILE_SERVER } from '../api';
import { PYTHON } from '../slipway';
import { Page } from '@playwright/test';

test.afterAll(({ workplace }) => workplace.giveBack());

/** A page and a WebSocket that says "tick" for ever: what a running notebook looks like from outside. */
const TICKER = `
import base64, hashlib, http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        key = self.headers.get('Sec-WebSocket-Key')
        if key is None:
            body = ('<!doctype html><title>ticker</title><pre>' + str(self.headers) + '</pre>').encode()
            self.send_response(200)
            self.send_header('Content-Type', 'text/html')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        accept = base64.b64encode(hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest()).decode()
        self.wfile.write(('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n').encode())
        while True:
            self.wfile.write(b'\\x81\\x04tick')
            time.sleep(0.2)
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
`;

test.beforeAll(async ({ workplace }) => {
  // An argument of a catalogue entry has at most 1000 characters.
  const parts = TICKER.match(/[^]{1,900}/g) ?? [];
  await workplace.admin.addCommand('ticker', 'Ticker', [PYTHON, '-c', 'import sys; exec("".join(sys.argv[2:]))', '{port}', ...parts]);
});

/** The story's own notebook, which must not hold the machine while the next one starts. */
let launched: { team: string; id: string } | undefined;

test.afterEach(async ({ workplace }) => {
  if (!launched) return;
  const { team, id } = launched;
  launched = undefined;
  await workplace.admin.call('notebooks/stop', { team, id });
  await workplace.admin.until(team, id, ['stopped']);
});

/** Launches a ticker and opens it as its owner does; returns the portal's page and the notebook's. */
async function opened(workplace: import('../story').Workplace, visit: (email: string) => Promise<Page>, who: string, name: string) {
  const team = await workplace.team({ [who]: 'member' });
  const email = team.email(who);
  const api = await Api.signIn(workplace.portal.url, email);
  const notebook = await api.launch(team.name, 'ticker', name);
  launched = { team: team.name, id: notebook.id };
  await api.until(team.name, notebook.id, ['ready']);
  const page = await visit(email);
  await go(page, `/t/${team.name}/notebooks/${notebook.id}`);
  await expect(phase(page, 'Ready')).toBeVisible();
  const opening = page.context().waitForEvent('page');
  await page.getByRole('link', { name: 'Open notebook' }).or(page.getByRole('button', { name: 'Open notebook' })).first().click();
  const inside = await opening;
  await expect(inside).toHaveTitle('ticker');
  return { team, email, api, notebook, page, inside };
}

test('a notebook’s page has no way to the portal', async ({ workplace, visit }) => {
  const { page, inside, team, notebook } = await opened(workplace, visit, 'eve', 'spy');
  const portal = workplace.portal.url;
  expect(new URL(inside.url()).host).toBe(`${notebook.id}.localhost:${workplace.portal.port}`);

  await test.step('what the notebook’s own server receives holds no portal cookie', async () => {
    const cookies = await page.context().cookies(portal);
    expect(cookies.length).toBeGreaterThan(0);
    const received = (await inside.locator('pre').textContent()) ?? '';
    for (const cookie of cookies) {
      expect(received).not.toContain(cookie.value);
      expect(received.toLowerCase()).not.toContain(`${cookie.name.toLowerCase()}=`);
    }
  });

  await test.step('its scripts read no portal cookie and cannot plant one', async () => {
    expect(await inside.evaluate(() => document.cookie)).toBe('');
    await inside.evaluate(() => (document.cookie = 'planted=1; Domain=localhost; Path=/'));
    expect((await page.context().cookies(portal)).map((c) => c.name)).not.toContain('planted');
  });

  await test.step('the portal’s server functions refuse it, with and without reading the answer', async () => {
    const read = await inside.evaluate(
      (url) =>
        fetch(`${url}/api/identity/me`, { method: 'POST', credentials: 'include' }).then(
          (r) => r.text(),
          (e) => `blocked: ${e.message}`,
        ),
      portal,
    );
    expect(read).toMatch(/^blocked/);
    await inside.evaluate(
      (url) => fetch(`${url}/api/teams/create`, { method: 'POST', credentials: 'include', mode: 'no-cors', body: new URLSearchParams({ name: 'stolen' }) }).catch(() => {}),
      portal,
    );
    const names = JSON.stringify(await workplace.admin.call('teams/list_all'));
    expect(names).toContain(team.name);
    expect(names).not.toContain('stolen');
  });

  await test.step('it cannot frame the portal', async () => {
    const shown = await inside.evaluate(async (url) => {
      const frame = document.createElement('iframe');
      frame.src = url;
      const loaded = new Promise((done) => frame.addEventListener('load', done));
      document.body.append(frame);
      await loaded;
      try {
        return frame.contentDocument?.body.textContent ?? 'opaque';
      } catch {
        return 'opaque';
      }
    }, `${portal}/t/${team.name}`);
    expect(shown).toBe('opaque');
    const framed = inside.frames().find((f) => f !== inside.mainFrame());
    expect(framed?.url() ?? '').toMatch(/^(chrome-error:|about:|$)/);
  });

  await test.step('a window that it opens on the portal gives it no handle', async () => {
    const popup = page.context().waitForEvent('page');
    await inside.evaluate((url) => Object.assign(window, { handle: window.open(url) }), `${portal}/t/${team.name}`);
    const page2 = await popup;
    await page2.waitForLoadState();
    await expect.poll(() => inside.evaluate(() => (window as unknown as { handle: Window | null }).handle?.closed ?? true)).toBe(true);
    expect(await page2.evaluate(() => window.opener)).toBeNull();
  });
});

test('another member of the team cannot open it', async ({ workplace, visit }) => {
  const { team, notebook } = await opened(workplace, visit, 'owen', 'private');
  const other = await visit(ADMIN);
  await other.goto(`http://${notebook.id}.localhost:${workplace.portal.port}/`);
  await expect(other, 'sent to the portal, which shows the notebook but does not open it').toHaveURL(
    `${workplace.portal.url}/t/${team.name}/notebooks/${notebook.id}`,
  );
  await expect(other.getByRole('heading', { level: 1 })).toHaveText('private');
  await expect(other.getByRole('link', { name: 'Open notebook' })).toHaveCount(0);
});

test('a revoked session cuts an open WebSocket within a minute', async ({ workplace, visit }) => {
  const { inside, email } = await opened(workplace, visit, 'finn', 'long-talk');
  await inside.evaluate(() => {
    const socket = new WebSocket(`ws://${location.host}/`);
    Object.assign(window, { ticks: 0, cut: false });
    const seen = window as unknown as { ticks: number; cut: boolean };
    socket.onmessage = () => seen.ticks++;
    socket.onclose = () => (seen.cut = true);
  });
  await expect.poll(() => inside.evaluate(() => (window as unknown as { ticks: number }).ticks)).toBeGreaterThan(2);

  // From another browser: the sign-in that the notebook hangs on is revoked.
  const elsewhere = await Api.signIn(workplace.portal.url, email);
  await elsewhere.call('identity/revoke_other_sessions');
  const revoked = Date.now();
  await expect.poll(() => inside.evaluate(() => (window as unknown as { cut: boolean }).cut), { timeout: 60_000 }).toBe(true);
  expect(Date.now() - revoked).toBeLessThan(60_000);
  await inside.reload();
  await expect(inside).toHaveURL(/\/sign-in\?next=/);
  await elsewhere.dispose();
});
