// A team with something of everything, and every page of the portal that a signed-in administrator can see; the stories about all pages and
// `make screenshots` share them.
import { APIRequestContext, request } from '@playwright/test';
import { Api, FILE_SERVER } from './api';
import { Team, Workplace, expect } from './story';

export interface Furnished {
  team: Team;
  paths: string[];
  /** A path without what is made anew each time: `/t/team/notebooks/running`. */
  plain: (path: string) => string;
}

export async function furnish(workplace: Workplace): Promise<Furnished> {
  const team = await workplace.team({ may: 'member', val: 'viewer' });
  const api = workplace.admin;
  await api.addCommand(`files-${team.name}`, 'Files', FILE_SERVER);
  const running = await api.launch(team.name, `files-${team.name}`, 'churn-model');
  const stopped = await api.launch(team.name, `files-${team.name}`, 'first-look');
  await api.until(team.name, running.id, ['ready']);
  await api.call('notebooks/stop', { team: team.name, id: stopped.id });
  await api.until(team.name, stopped.id, ['stopped']);
  const { experiment, run } = await log(workplace.portal.url, api, team.name);
  const request = await asked(api, team.name);
  const [webhook] = await api.call<[{ id: string }]>('webhooks/create', {
    team: team.name,
    webhook: { name: 'deployments', url: 'https://127.0.0.1:9/hook', events: { 'model_version.created': 'true' }, secret: 'correct horse' },
  });
  const names: [string, string][] = [[webhook.id, 'webhook'], [`/t/${team.name}`, '/t/team'], [running.id, 'running'], [stopped.id, 'stopped'], [run, 'run'], [experiment, 'experiment'], [request, 'request']];
  const plain = (path: string) => names.reduce((text, [id, name]) => text.replace(id, name), path);
  return { team, paths: pages(team.name, [running.id, stopped.id], experiment, run, request, webhook.id), plain };
}

/** A flow in which `champion` is protected, and a request that waits for an approval and fails a gate; its id. */
async function asked(api: Api, team: string): Promise<string> {
  await api.call('promotion/use_recommended', { team });
  const champion = { old: 'champion', alias: 'champion', protected: true, rules: 'accuracy >= champion + 0.5%', card_fields: ['Owner'], approvals: '1' };
  await api.call('promotion/save_stage', { team, form: champion });
  return api.call<string>('promotion/request', { team, model: 'churn', version: 2, alias: 'champion', note: 'Half the size, as good as the first.' });
}

/** What MLflow's client of this team sends. */
export class Client {
  private constructor(private context: APIRequestContext) {}

  static async of(url: string, api: Api, team: string): Promise<Client> {
    const [, token] = await api.call<[unknown, string]>('identity/create_token', { new: { name: 'nightly training', team, role: 'member', days: 30 } });
    return new Client(await request.newContext({ baseURL: url, extraHTTPHeaders: { Authorization: `Bearer ${token}` } }));
  }

  async ask<T>(name: string, data: object): Promise<T> {
    const answer = await this.context.post(`/api/2.0/mlflow/${name}`, { data });
    expect(answer.status(), `${name}: ${await answer.text()}`).toBe(200);
    return (await answer.json()) as T;
  }

  /** `path` begins with the experiment. */
  async put(path: string, data: string): Promise<void> {
    const kept = await this.context.put(`/api/2.0/mlflow-artifacts/artifacts/${path}`, { data });
    expect(kept.status(), await kept.text()).toBe(200);
  }

  dispose(): Promise<void> {
    return this.context.dispose();
  }
}

/** A model of two versions, the first of them `champion`, of what a run logged. */
export async function register(client: Client, name: string, experiment: string, run: string): Promise<void> {
  const files: [string, string][] = [
    ['MLmodel', ML_MODEL],
    ['input_example.json', '{"columns": ["age", "plan"], "data": [[41, "yearly"]]}'],
    ['model.pkl', 'x'.repeat(20_000)],
  ];
  for (const [file, text] of files) await client.put(`${experiment}/${run}/artifacts/model/${file}`, text);
  const description = 'Tells who is about to leave.\n\nTrained on the customers of May.';
  await client.ask('registered-models/create', { name, description, tags: [{ key: 'owner', value: 'growth' }] });
  for (const description of ['The first that beat the rules.', '']) {
    await client.ask('model-versions/create', { name, source: `runs:/${run}/model`, run_id: run, description });
  }
  await client.ask('registered-models/alias', { name, alias: 'champion', version: '1' });
}

/** As MLflow's client writes it. */
const ML_MODEL = `flavors:
  python_function:
    loader_module: mlflow.sklearn
  sklearn:
    sklearn_version: '1.5'
mlflow_version: 3.18.0
saved_input_example_info:
  artifact_path: input_example.json
  type: dataframe
signature:
  inputs: '[{"type": "double", "name": "age", "required": true}, {"type": "string",
    "name": "plan", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1,
    2]}}]'
  params: '[{"name": "threshold", "default": 0.5, "shape": null, "type": "double"}]'
`;

/** An experiment with runs as a training script logs them, and a model of the last; the id of one. */
async function log(url: string, api: Api, team: string): Promise<{ experiment: string; run: string }> {
  const client = await Client.of(url, api, team);
  const asked = <T>(name: string, data: object): Promise<T> => client.ask<T>(name, data);
  const begun = Date.now() - 3_600_000;
  const { experiment_id: experiment } = await asked<{ experiment_id: string }>('experiments/create', { name: 'churn', tags: [{ key: 'stage', value: 'research' }] });
  let last = '';
  for (const [i, rate] of [0.1, 0.03, 0.01].entries()) {
    const { run } = await asked<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment, run_name: `depth-${i + 4}`, start_time: begun + i * 600_000 });
    last = run.info.run_id;
    const points = Array.from({ length: 60 }, (_, step) => ({ key: 'loss', value: (1 + rate) / (step + 1), timestamp: begun + step * 1000, step }));
    await asked('runs/log-batch', {
      run_id: last,
      metrics: [...points, { key: 'accuracy', value: 0.9 + rate / 10, timestamp: begun + 60_000, step: 59 }],
      params: [{ key: 'learning_rate', value: String(rate) }, { key: 'max_depth', value: String(i + 4) }],
      tags: [{ key: 'mlflow.source.name', value: 'train.py' }, { key: 'mlflow.source.git.commit', value: '0f3c2a9be1d4476f8b0f5a1c2d3e4f5061728394' }],
    });
    await asked('runs/log-inputs', {
      run_id: last,
      datasets: [{ dataset: { name: 'customers', digest: '7d0a1c55', source_type: 'local', source: '{"uri": "customers.csv"}' }, tags: [] }],
    });
    if (i < 2) await asked('runs/update', { run_id: last, status: i ? 'FAILED' : 'FINISHED', end_time: begun + i * 600_000 + 90_000 });
  }
  await client.put(`${experiment}/${last}/artifacts/model/notes.txt`, 'Trained on the customers of May.\n');
  await register(client, 'churn', experiment, last);
  await client.dispose();
  return { experiment, run: last };
}

function pages(team: string, notebooks: string[], experiment: string, run: string, request: string, webhook: string): string[] {
  const t = `/t/${team}`;
  return [
    t,
    `${t}/notebooks`,
    `${t}/notebooks/new`,
    ...notebooks.map((id) => `${t}/notebooks/${id}`),
    `${t}/notebooks/${notebooks[0]}?tab=logs`,
    `${t}/notebooks/${notebooks[1]}?tab=settings`,
    `${t}/experiments`,
    `${t}/experiments/0`,
    `${t}/experiments/${experiment}`,
    `${t}/experiments/${experiment}?filter=${encodeURIComponent("attributes.nosuch = 'x'")}&columns=*m.loss,p.learning_rate,a.by`,
    `${t}/experiments/${experiment}?group=p.max_depth`,
    `${t}/runs/${run}`,
    `${t}/models`,
    `${t}/models/churn`,
    `${t}/models/churn/versions/1`,
    `${t}/models/churn/versions/2/promote?to=champion`,
    `${t}/models/churn/aliases/champion`,
    `${t}/reviews`,
    `${t}/reviews/${request}`,
    `${t}/settings/promotion`,
    `${t}/models/churn/compare?versions=1,2`,
    `${t}/runs/${run}?tab=artifacts&path=model/notes.txt`,
    `${t}/experiments/${experiment}/traces`,
    ...['metrics', 'charts', 'params', 'tags', 'artifacts', 'data', 'traces', 'reproduce'].map((tab) => `${t}/runs/${run}?tab=${tab}`),
    `${t}/compare?experiment=${experiment}&base=${run}&group=params.max_depth&facet=status`,
    ...['parallel', 'scatter', 'box', 'importance'].map((chart) => `${t}/compare?experiment=${experiment}&chart=${chart}&metric=loss`),
    `${t}/webhooks`,
    `${t}/webhooks/new`,
    `${t}/webhooks/${webhook}`,
    `${t}/webhooks/${webhook}?tab=settings`,
    `${t}/volumes`,
    `${t}/members`,
    `${t}/audit`,
    '/teams/new',
    '/account',
    '/account/sessions',
    '/account/tokens',
    '/admin/access',
    '/admin/access?team=-&state=disabled',
    '/admin/audit',
    '/admin/environments',
    '/admin/environments/new',
    '/admin/environments/jupyterlab',
    '/admin/compute',
    '/admin/system',
    '/admin/teams',
    `/admin/teams/${team}`,
    '/admin/users',
    '/admin/sign-in',
  ];
}
