// What people see of a cluster before they launch, and administrators of what was changed in it.
import { expect, test as base } from '@playwright/test';
import { Api } from '../api';
import { Cluster, KUBECONFIG } from '../cluster';
import { Slipway } from '../slipway';
import { ADMIN, Watch, accessibilityFindings, go } from '../story';

const PREFIX = `story${process.pid}`;
const NODES = [`${PREFIX}-small`, `${PREFIX}-large`];

const test = base.extend<{}, { portal: Slipway; admin: Api; cluster: Cluster }>({
  cluster: [
    async ({}, use) => {
      const cluster = new Cluster();
      await cluster.node(NODES[0], PREFIX, { cpu: '2', memory: '8Gi', pods: '110' });
      await cluster.node(NODES[1], PREFIX, { cpu: '4', memory: '16Gi', pods: '110', 'nvidia.com/gpu': '2' });
      await use(cluster);
      await cluster.ask('DELETE', `/api/v1/namespaces/${PREFIX}-vision`);
      for (const node of NODES) await cluster.removeNode(node);
    },
    { scope: 'worker' },
  ],
  portal: [
    async ({ cluster }, use) => {
      expect(cluster).toBeTruthy();
      const portal = await Slipway.start([
        ...['--engine', 'kubernetes', '--kubeconfig', KUBECONFIG, '--kubernetes-namespace-prefix', PREFIX],
        ...['--kubernetes-nodes', `slipway.test/story=${PREFIX}`, '--kubernetes-storage-class', 'none-of-it'],
      ]);
      await use(portal);
      await portal.dispose();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  admin: [
    async ({ portal }, use) => {
      const admin = await Api.setUp(portal.url, portal.code(), ADMIN);
      await admin.call('teams/create', { name: 'vision' });
      await admin.addCommand('web', 'Web', ['httpd', '-f', '-p', '{port}'], 'localhost/busybox:1');
      await use(admin);
      await admin.dispose();
    },
    { scope: 'worker' },
  ],
});

test('the form says what fits on a node, and shows what the cluster gets; what was changed in it is repaired', async ({ browser, portal, admin, cluster }) => {
  const context = await browser.newContext({ baseURL: portal.url, storageState: await admin.storageState() });
  const watch = new Watch(portal.url);
  watch.over(context);
  const page = await context.newPage();
  const review = page.getByRole('complementary', { name: 'What will happen' });
  const objects = page.locator('details.fold', { hasText: 'Kubernetes objects' });
  const object = (name: RegExp) => objects.locator('details.manifest').filter({ has: page.locator('summary', { hasText: name }) });

  await test.step('six CPUs are there together, and on no node', async () => {
    await go(page, '/t/vision/notebooks/new');
    await page.getByLabel('Name', { exact: true }).fill('seen');
    await page.getByLabel('CPUs').fill('4');
    await page.getByLabel('Memory in GiB').fill('1');
    await expect(review).toContainText('Fits now');
    await page.getByLabel('CPUs').fill('5');
    await expect(review).toContainText('Would queue');
    await expect(review).toContainText('No node has 5 CPUs and 1.0 GiB together; the largest has 4 CPUs, 16.0 GiB.');
    await page.getByLabel('CPUs').fill('4');
  });

  await test.step('the objects are seen before anything is made', async () => {
    await objects.locator('> summary').click();
    await objects.getByRole('button', { name: 'Show objects' }).click();
    await expect(objects).toContainText('7 objects');
    await object(/^New\s*Pod/).locator('summary').click();
    await expect(object(/Pod nb-/).locator('pre')).toContainText('image: localhost/busybox:1');
    await expect(object(/Pod nb-/)).toContainText(`once namespace ${PREFIX}-vision is there`);
    expect((await cluster.ask('GET', `/api/v1/namespaces/${PREFIX}-vision`)).status).toBe(404);
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByLabel('CPUs').fill('2');
    await expect(objects).toContainText('The form has changed since');
  });

  await test.step('a launch makes them, and waits with a reason', async () => {
    await page.getByRole('button', { name: 'Launch notebook' }).click();
    await expect(page.getByText(/none-of-it/).first()).toBeVisible();
    await go(page, '/t/vision/notebooks/new');
    await page.getByLabel('Name', { exact: true }).fill('second');
    await objects.locator('> summary').click();
    await objects.getByRole('button', { name: 'Show objects' }).click();
    await expect(object(/Namespace/)).toContainText('As it is');
    await expect(object(/PersistentVolumeClaim/)).toContainText('New');
  });

  await test.step('what somebody changes is told, shown line by line and repaired', async () => {
    const label = { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } };
    await cluster.must('PATCH', `/api/v1/namespaces/${PREFIX}-vision`, label);
    const walls = `/apis/networking.k8s.io/v1/namespaces/${PREFIX}-vision/networkpolicies/slipway-egress`;
    await cluster.must('DELETE', walls);
    await go(page, '/admin/system');
    await expect(page.getByText(/Not as Slipway made it: vision \(Namespace .*NetworkPolicy slipway-egress\)/)).toBeVisible();
    await go(page, '/admin/teams');
    await page.getByRole('link', { name: 'Namespace' }).click();
    await expect(page.getByText('2 of 4 objects differ')).toBeVisible();
    await page.locator('details.manifest', { hasText: `Namespace ${PREFIX}-vision` }).locator('summary').click();
    await expect(page.locator('tr.diff-old')).toContainText('privileged');
    await expect(page.locator('tr.diff-new')).toContainText('restricted');
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    const beyond = () => Math.max(...[...document.querySelectorAll('details.manifest, details.manifest button')].map((e) => e.getBoundingClientRect().right - innerWidth));
    expect(await page.evaluate(beyond), 'pixels beyond a phone').toBeLessThanOrEqual(0);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.locator('summary', { hasText: 'Repair' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Repair' }).click();
    await expect(page.getByText('What Slipway keeps here is as it should be.')).toBeVisible();
    expect((await cluster.ask('GET', walls)).status).toBe(200);
  });
  expect(watch.unexpected(), 'errors on the portal’s pages').toEqual([]);
  await context.close();
});
