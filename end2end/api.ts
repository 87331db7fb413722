// The portal's server functions as a program calls them, for what a story needs beside the browser.
import { APIRequestContext, expect, request } from '@playwright/test';
import { PASSWORD, PYTHON } from './slipway';

export interface Notebook {
  id: string;
  spec: { name: string };
  phase: string;
  reason: string | null;
  next_step: string | null;
  launch: number;
  timeline: { phase: string; at: number; reason: string | null }[];
}

/** `{a: {b: [1]}}` as `a[b][0]=1`, which is how server functions take their arguments. */
export function form(value: unknown, name = ''): [string, string][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item, i) => form(item, `${name}[${i}]`));
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([key, item]) => form(item, name ? `${name}[${key}]` : key));
  }
  return [[name, String(value)]];
}

export class Api {
  private constructor(private context: APIRequestContext) {}

  /** As a person who signs in. */
  static async signIn(url: string, email: string): Promise<Api> {
    const context = await request.newContext({ baseURL: url, extraHTTPHeaders: { Origin: url, 'Sec-Fetch-Site': 'same-origin' } });
    const api = new Api(context);
    await api.call('identity/sign_in', { email, password: PASSWORD, next: '/' });
    return api;
  }

  /** As the first administrator, whom this makes with the code from the console. */
  static async setUp(url: string, code: string, email: string): Promise<Api> {
    const context = await request.newContext({ baseURL: url, extraHTTPHeaders: { Origin: url, 'Sec-Fetch-Site': 'same-origin' } });
    const api = new Api(context);
    await api.call('identity/set_up', { code, email, name: 'Ada', password: PASSWORD });
    return api;
  }

  /** As a program with a token. */
  static async withToken(url: string, token: string): Promise<Api> {
    return new Api(await request.newContext({ baseURL: url, extraHTTPHeaders: { Authorization: `Bearer ${token}` } }));
  }

  async call<T>(name: string, args: object = {}): Promise<T> {
    // Two doors: forms for what a page without scripts can do, JSON for the rest.
    const json = name === 'environments/save';
    const response = await this.context.post(`/api/${name}`, {
      headers: { 'Content-Type': json ? 'application/json' : 'application/x-www-form-urlencoded', Accept: 'application/json' },
      data: json ? JSON.stringify(args) : new URLSearchParams(form(args)).toString(),
      maxRedirects: 0,
    });
    const text = await response.text();
    expect(response.status(), `${name}: ${text.slice(0, 300)}`).toBeLessThan(400);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  storageState() {
    return this.context.storageState();
  }

  dispose() {
    return this.context.dispose();
  }

  /** Adds an environment to the catalogue that starts this command; `{port}` is where it listens. */
  async addCommand(name: string, title: string, argv: string[], image?: string): Promise<void> {
    const environment = {
      name,
      title,
      description: 'For stories',
      logo: 'terminal',
      program: { kind: 'command', argv },
      versions: [{ name: '1', packages: [], image, deprecated: null }],
      default_resources: { cpus: 1, memory_mib: 256, gpus: 0 },
      visible_to: [],
      enabled: true,
      updated_at: 0,
    };
    await this.call('environments/save', { environment, create: true });
  }

  /** Launches with the launch form's own fields. */
  launch(team: string, environment: string, name: string, more: object = {}): Promise<Notebook> {
    const form = {
      name,
      environment,
      versions: { [environment]: '1' },
      cpus: '1',
      memory: '0.25',
      gpus: '0',
      home_kind: 'new',
      idle: true,
      idle_minutes: '60',
      key: `${name}-${Date.now()}-${Math.random()}`,
      ...more,
    };
    return this.call('notebooks/launch', { team, form });
  }

  notebooks(team: string): Promise<Notebook[]> {
    return this.call('notebooks/list', { team });
  }

  /** Waits until the notebook is in one of these phases. */
  async until(team: string, id: string, phases: string[], patience = 60_000): Promise<Notebook> {
    let last: Notebook | undefined;
    await expect(async () => {
      last = await this.call<Notebook>('notebooks/get', { team, id });
      expect(phases, `${last.phase}: ${last.reason}`).toContain(last.phase);
    }).toPass({ timeout: patience, intervals: [50, 100, 200] });
    return last as Notebook;
  }
}

/** Serves the notebook's home folder: a notebook that starts in a blink. */
export const FILE_SERVER = [PYTHON, '-m', 'http.server', '{port}', '--bind', '127.0.0.1'];
