// Starts the release binary in a temporary folder on a free port, and leaves nothing behind.
import { ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const PASSWORD = 'correct horse battery';

/** The environment without the settings of some other portal. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SLIPWAY_')));
}

/** The release build, which is what ships; `STORY_BINARY` names another one while a story is written. */
function binary(): string {
  const target = process.env.CARGO_TARGET_DIR ?? resolve(__dirname, '../target');
  const path = process.env.STORY_BINARY ?? join(target, 'release/slipway');
  if (!existsSync(path)) throw new Error(`${path} does not exist: run \`make build\` first`);
  return path;
}

export function freePort(): Promise<number> {
  return new Promise((found) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => found(port));
    });
  });
}

/** Where webhooks of the stories may go: nobody listens there. */
const NOBODY = '127.0.0.1:9';

/** The system's own Python: every notebook may run it. */
export const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

export class Slipway {
  private constructor(
    readonly data: string,
    readonly port: number,
    private process: ChildProcess | undefined,
    /** What it printed so far. */
    private printed: string[],
    private settings: string[],
  ) {}

  static async start(settings: string[] = []): Promise<Slipway> {
    const data = mkdtempSync(join(tmpdir(), 'slipway-story-'));
    const portal = new Slipway(data, await freePort(), undefined, [], settings);
    await portal.serve();
    return portal;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  get pid(): number {
    return this.process?.pid ?? 0;
  }

  /** Starts serving, again after `kill` or `stop`, and waits for the first answer. */
  async serve(): Promise<void> {
    const started = spawn(binary(), this.args(['serve', '--listen', `127.0.0.1:${this.port}`, '--webhook-allow', NOBODY, ...this.settings]), {
      env: environment(),
      cwd: this.data,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process = started;
    for (const stream of [started.stdout, started.stderr]) stream?.on('data', (text) => this.printed.push(String(text)));
    const deadline = Date.now() + 20_000;
    for (;;) {
      if (started.exitCode !== null) throw new Error(`slipway ended:\n${this.console()}`);
      if (await fetch(`http://127.0.0.1:${this.port}/healthz`).then((r) => r.ok, () => false)) return;
      if (Date.now() > deadline) throw new Error(`slipway did not answer:\n${this.console()}`);
      await new Promise((soon) => setTimeout(soon, 10));
    }
  }

  console(): string {
    return this.printed.join('');
  }

  /** The one-time code that an empty portal prints. */
  code(): string {
    const code = /one-time code (\S+)/.exec(this.console())?.[1];
    if (!code) throw new Error(`no one-time code in:\n${this.console()}`);
    return code;
  }

  /** A command of the command line; returns what it prints. */
  command(args: string[], input = ''): string {
    return execFileSync(binary(), this.args(args), { env: environment(), cwd: this.data, input, encoding: 'utf8' }).trim();
  }

  /** Ends the portal at once, as a crash would. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const ending = this.process;
    this.process = undefined;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = new Promise((done) => ending.once('exit', done));
    ending.kill(signal);
    await gone;
  }

  /** The shims of this portal's workloads: the processes that run notebooks and outlive the portal. */
  shims(): { pid: number; id: string; launch: number }[] {
    const folder = join(this.data, 'data/workloads');
    if (!existsSync(folder)) return [];
    return readdirSync(folder).flatMap((id) => {
      try {
        const record = JSON.parse(readFileSync(join(folder, id, 'shim.json'), 'utf8'));
        const { pid, start } = record.process;
        return startedAt(pid) === start ? [{ pid, id, launch: record.launch }] : [];
      } catch {
        return [];
      }
    });
  }

  /** Every process that carries this portal's data folder in its environment or command line. */
  processes(): { pid: number; workload: string }[] {
    return readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return [];
      try {
        const text = readFileSync(`/proc/${pid}/environ`, 'utf8');
        const workload = /(?:^|\0)SLIPWAY_WORKLOAD_ID=([^\0]+)/.exec(text)?.[1];
        return workload && text.includes(this.data) ? [{ pid: Number(pid), workload }] : [];
      } catch {
        return [];
      }
    });
  }

  /** Ends the portal, then its notebooks, and removes its folder. */
  async dispose(): Promise<void> {
    await this.stop();
    const shims = this.shims();
    for (const { pid } of shims) signalQuietly(pid, 'SIGTERM');
    const deadline = Date.now() + 15_000;
    while (shims.some(({ pid }) => existsSync(`/proc/${pid}`)) && Date.now() < deadline) {
      await new Promise((soon) => setTimeout(soon, 50));
    }
    for (const { pid } of this.processes()) signalQuietly(pid, 'SIGKILL');
    rmSync(this.data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  private args(args: string[]): string[] {
    return [...args, '--data', join(this.data, 'data')];
  }
}

/** The kernel's start time of a process, in ticks since boot: with the number it names one process for ever. */
function startedAt(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

/** Whether a program is on this machine. */
export function hasProgram(name: string): boolean {
  return spawnSync('which', [name]).status === 0;
}
