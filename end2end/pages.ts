// Every page of the portal that a signed-in administrator can see; the same list is drawn by `make screenshots`.

export function pages(team: string, notebooks: string[]): string[] {
  const t = `/t/${team}`;
  return [
    t,
    `${t}/notebooks`,
    `${t}/notebooks/new`,
    ...notebooks.map((id) => `${t}/notebooks/${id}`),
    `${t}/experiments`,
    `${t}/experiments/0`,
    `${t}/volumes`,
    `${t}/members`,
    `${t}/audit`,
    '/teams/new',
    '/account',
    '/account/sessions',
    '/account/tokens',
    '/admin/audit',
    '/admin/environments',
    '/admin/environments/new',
    '/admin/environments/jupyterlab',
    '/admin/compute',
    '/admin/system',
    '/admin/teams',
    '/admin/users',
  ];
}
