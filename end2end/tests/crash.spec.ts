// kill -9 of the portal in the middle of launching: afterwards each row matches exactly one process, or says why not.
import { expect, test } from '@playwright/test';
import { Api, FILE_SERVER, Notebook } from '../api';
import { Slipway } from '../slipway';

const CRASHES = 20;

test('after a crash at a random moment no notebook is lost, doubled or orphaned', async () => {
  const portal = await Slipway.start();
  try {
    const person = await Api.setUp(portal.url, portal.code(), 'ada@example.com');
    await person.call('teams/create', { name: 'vision' });
    await person.addCommand('files', 'Files', FILE_SERVER);
    // What follows is done by a program with a token, which a restart of the portal does not end.
    const created = { team: 'vision', role: 'admin', name: 'crash', days: 1 };
    const [, token] = await person.call<[unknown, string]>('identity/create_token', { new: created });
    await person.dispose();
    let api = await Api.withToken(portal.url, token);
    for (let crash = 0; crash < CRASHES; crash++) {
      const moment = Math.random() * 400;
      // One is being launched, one stopped, one started again when the portal dies.
      const known = await api.call<Notebook[]>('notebooks/list', { team: 'vision' });
      const running = known.find((n) => n.phase === 'ready');
      const stopped = known.find((n) => n.phase === 'stopped');
      const asked = [
        api.launch('vision', 'files', `crash-${crash}`, { cpus: '1', memory: '0.125' }),
        ...(running ? [api.call('notebooks/stop', { team: 'vision', id: running.id })] : []),
        ...(stopped ? [api.call('notebooks/start', { team: 'vision', id: stopped.id })] : []),
      ].map((request) => request.catch(() => undefined));
      await new Promise((passed) => setTimeout(passed, moment));
      await portal.kill();
      await Promise.all(asked);
      await api.dispose();
      await portal.serve();
      api = await Api.withToken(portal.url, token);
      await agree(api, portal, `crash ${crash + 1} after ${moment.toFixed(0)} ms`);
      await tidy(api, portal);
    }
    await api.dispose();
  } finally {
    await portal.dispose();
  }
});

/** Waits until everything has settled, then compares rows with processes. */
async function agree(api: Api, portal: Slipway, when: string): Promise<void> {
  await expect(async () => {
    const notebooks = await api.call<Notebook[]>('notebooks/list', { team: 'vision' });
    const unsettled = notebooks.filter((n) => !['ready', 'stopped', 'failed', 'queued'].includes(n.phase));
    expect(unsettled.map((n) => `${n.spec.name}: ${n.phase}`), when).toEqual([]);
    const wanted = notebooks.filter((n) => n.phase === 'ready').map((n) => `${n.id}:${n.launch}`);
    const shims = portal.shims().map((s) => `${s.id}:${s.launch}`);
    expect(shims.sort(), `${when}: one shim for each running row`).toEqual(wanted.sort());
    const programs = portal.processes().map((p) => p.workload);
    expect(programs.sort(), `${when}: one program for each running row`).toEqual(wanted);
    for (const failed of notebooks.filter((n) => n.phase === 'failed')) {
      expect(failed.reason, `${when}: ${failed.spec.name} says why it failed`).toBeTruthy();
    }
  }).toPass({ timeout: 60_000, intervals: [100, 200, 400] });
}

/** Keeps at most two notebooks running and two stopped, so that the machine has room for the next launch. */
async function tidy(api: Api, portal: Slipway): Promise<void> {
  const notebooks = await api.call<Notebook[]>('notebooks/list', { team: 'vision' });
  const surplus = [
    ...notebooks.filter((n) => n.phase === 'ready').slice(1),
    ...notebooks.filter((n) => n.phase !== 'ready').slice(1),
  ];
  for (const notebook of surplus) await api.call('notebooks/delete', { team: 'vision', id: notebook.id, delete_home: true });
  await expect(async () => {
    const left = await api.call<Notebook[]>('notebooks/list', { team: 'vision' });
    expect(left.length).toBeLessThanOrEqual(2);
    expect(portal.shims().length, 'what is deleted runs no more').toBeLessThanOrEqual(1);
  }).toPass({ timeout: 30_000, intervals: [100] });
}
