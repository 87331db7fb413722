// The links that MLflow's client prints name no team and say what they mean in the fragment: they lead to the team's page all the same.
import { Api } from '../api';
import { PASSWORD, expect, test } from '../story';

test('a link that an MLflow client printed leads to its run, also through the sign-in', async ({ workplace, visit, request }) => {
  const team = await workplace.team({ mia: 'member' });
  const email = team.email('mia');
  const api = await Api.signIn(workplace.portal.url, email);
  const [, token] = await api.call<[unknown, string]>('identity/create_token', { new: { name: 'links', team: team.name, role: 'member', days: 1 } });
  await api.dispose();
  const asked = async <T>(name: string, data: object): Promise<T> => {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await request.post(`${workplace.portal.url}/api/2.0/mlflow/${name}`, { headers, data });
    expect(answer.status(), await answer.text()).toBe(200);
    return (await answer.json()) as T;
  };
  const { experiment_id: experiment } = await asked<{ experiment_id: string }>('experiments/create', { name: 'linked' });
  const { run } = await asked<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment, run_name: 'first light' });
  const id = run.info.run_id;

  await test.step('signed in, to the run and to the experiment', async () => {
    const page = await visit(email);
    await page.goto(`/#/experiments/${experiment}/runs/${id}`);
    await expect(page).toHaveURL(`/t/${team.name}/runs/${id}`);
    await expect(page.getByRole('heading', { level: 1, name: 'first light' })).toBeVisible();
    await page.goto(`/#/experiments/${experiment}`);
    await expect(page).toHaveURL(`/t/${team.name}/experiments/${experiment}`);
    await page.goto('/#/experiments/0');
    await expect(page).toHaveURL(`/t/${team.name}/experiments/0`);
  });

  await test.step('through the sign-in', async () => {
    const page = await visit();
    await page.goto(`/#/experiments/${experiment}/runs/${id}`);
    await expect(page).toHaveURL(`/sign-in?next=/runs/${id}`);
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).toHaveURL(`/t/${team.name}/runs/${id}`);
    await expect(page.getByRole('heading', { level: 1, name: 'first light' })).toBeVisible();
  });
});
