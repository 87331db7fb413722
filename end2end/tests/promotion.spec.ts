// Promotion: a second person, a failing gate that is waived, and the way back; live on everybody's page.
import { Page } from '@playwright/test';
import { expect, go, test } from '../story';
import { Client, register } from '../pages';

test('a version with a failing gate is waived by a second person, becomes champion, and is rolled back in two clicks', async ({ workplace, visit, watch }) => {
  // A client is refused on purpose, and a rule that cannot be read is sent.
  watch.allow(/status of (400|403)/);
  const team = await workplace.team({ mel: 'member', max: 'member', abe: 'admin' });
  const client = await Client.of(workplace.portal.url, workplace.admin, team.name);
  const { experiment_id: experiment } = await client.ask<{ experiment_id: string }>('experiments/create', { name: 'churn' });
  const runs: string[] = [];
  for (const accuracy of [0.9, 0.902]) {
    const { run } = await client.ask<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment });
    await client.ask('runs/log-metric', { run_id: run.info.run_id, key: 'accuracy', value: accuracy, timestamp: 1, step: 1 });
    runs.push(run.info.run_id);
  }
  await register(client, 'churn', experiment, runs[0]);
  await client.ask('model-versions/create', { name: 'churn', source: `runs:/${runs[1]}/model`, run_id: runs[1] });

  // An admin turns the flow on, and adds a rule; the wrong word is marked while it is typed.
  const admin = await visit(team.email('abe'));
  await go(admin, `/t/${team.name}/settings/promotion`);
  await admin.getByRole('button', { name: 'Use the recommended flow' }).click();
  await expect(admin.getByText('Nothing is protected yet')).toHaveCount(0);
  await admin.getByText('Change champion').click();
  const stage = admin.getByRole('listitem').filter({ has: admin.getByRole('heading', { name: /champion/ }) });
  await stage.getByLabel('Metric rules').fill('accuracy >= champion + much');
  await expect(stage.locator('mark')).toHaveText('much');
  await stage.getByLabel('Metric rules').fill('accuracy >= champion + 0.5%');
  await expect(stage.locator('mark')).toHaveCount(0);
  for (const field of ['Intended use', 'Evaluation']) await stage.getByLabel(field).uncheck();
  await stage.getByRole('button', { name: 'Save stage' }).click();
  await expect(admin.getByText('Stage saved.')).toBeVisible();

  // The member's version misses the mark, and its card says nothing of an owner.
  const member = await visit(team.email('mel'));
  await go(member, `/t/${team.name}/models/churn`);
  await expect(member.getByRole('row', { name: /Version 1/ }), 'nobody takes it away by hand').toContainText('protected');
  await expect(member.getByText('Remove', { exact: true })).toHaveCount(0);
  await go(member, `/t/${team.name}/models/churn/versions/3`);
  await member.getByRole('link', { name: 'Promote' }).click();
  await member.getByRole('link', { name: /champion/ }).click();
  await expect(member.getByText(/accuracy is 0.902; version 1, which is champion, has 0.9; it must be >= 0.9045/)).toBeVisible();
  await member.getByLabel('For the reviewers').fill('The test set is a harder one.');
  await member.getByRole('button', { name: 'Ask for champion' }).click();
  await expect(member.getByRole('heading', { level: 1, name: 'Promote churn version 3 to champion' })).toBeVisible();
  await expect(member.getByText('You asked for it, so somebody else decides.')).toBeVisible();
  await expect(member.getByText('Approve', { exact: true })).toHaveCount(0);

  // One reviewer approves; others see it without a reload.
  const reviewer = await visit(team.email('max'));
  const waiting = (page: Page) => page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /Reviews/ });
  await go(reviewer, `/t/${team.name}/reviews`);
  await expect(waiting(reviewer)).toContainText('1 waiting for you');
  await expect(waiting(member), 'who asked does not decide').not.toContainText('waiting');
  await reviewer.getByRole('region', { name: 'Waiting for you' }).getByRole('link', { name: /churn version 3/ }).click();
  await reviewer.locator('summary', { hasText: 'Approve' }).click();
  const approve = reviewer.getByRole('dialog', { name: 'Approve promotion' });
  await approve.getByLabel('Comment').fill('Fine with me.');
  await approve.getByRole('button', { name: 'Approve promotion' }).click();
  await expect(member.getByText('Fine with me.')).toBeVisible();
  await expect(waiting(reviewer)).not.toContainText('waiting');

  // A waiver is asked for by the member and declined, asked for anew and granted by an admin; then the card is written.
  await member.locator('.gate', { hasText: 'accuracy' }).getByText('Ask for a waiver').click();
  const waiver = member.getByRole('dialog', { name: /Ask to waive/ });
  await waiver.getByLabel('Reason').fill('A harder test set.');
  await waiver.getByRole('button', { name: 'Ask for the waiver' }).click();
  await expect(member.locator('.gate-waiver')).toContainText('A harder test set.');
  await go(admin, `/t/${team.name}/reviews`);
  await admin.getByRole('link', { name: /churn version 3/ }).click();
  await admin.locator('summary', { hasText: 'Decline waiver' }).click();
  const decline = admin.getByRole('dialog', { name: 'Decline waiver' });
  await decline.getByLabel('Reason').fill('How much harder?');
  await decline.getByRole('button', { name: 'Decline waiver' }).click();
  await expect(member.getByText('How much harder?')).toBeVisible();
  await member.locator('.gate', { hasText: 'accuracy' }).getByText('Ask for a waiver').click();
  await waiver.getByLabel('Reason').fill('Twice as many classes.');
  await waiver.getByRole('button', { name: 'Ask for the waiver' }).click();
  await expect(admin.locator('.gate-waiver', { hasText: 'Twice as many classes.' })).toBeVisible();
  await admin.locator('summary', { hasText: 'Grant waiver' }).click();
  await admin.getByRole('dialog', { name: 'Grant waiver' }).getByRole('button', { name: 'Grant waiver' }).click();
  await expect(member.locator('.gate', { hasText: 'accuracy' })).toContainText('Waived');
  await go(member, `/t/${team.name}/models/churn/versions/3`);
  const card = member.getByRole('region', { name: 'Model card' });
  await card.locator('summary', { hasText: 'Edit' }).click();
  const edit = member.getByRole('dialog', { name: 'Edit model card' });
  await edit.getByLabel('Owner').fill('The *growth* team');
  await edit.getByRole('button', { name: 'Save model card' }).click();
  await expect(card).toContainText('The growth team');
  await expect(card.locator('em'), 'as Markdown means it').toHaveText('growth');
  // What was approved is another card now: the reviewer sees so without a reload, and looks again.
  await expect(reviewer.getByText('Lapsed', { exact: true })).toBeVisible();
  await expect(waiting(reviewer)).toContainText('1 waiting for you');
  await reviewer.locator('summary', { hasText: 'Approve' }).click();
  await approve.getByRole('button', { name: 'Approve promotion' }).click();
  await expect(admin.getByText('Promoted', { exact: true })).toBeVisible();
  await expect(member.getByText('load_model("models:/churn@champion")')).toBeVisible();

  // Two clicks lead back.
  await member.getByRole('link', { name: 'champion', exact: true }).first().click();
  await expect(member.getByText('Version 3 holds it')).toBeVisible();
  await member.locator('summary', { hasText: 'Roll back to version 1' }).click();
  await member.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
  await expect(member.getByText('Version 1 holds it')).toBeVisible();
  await client.dispose();
});
