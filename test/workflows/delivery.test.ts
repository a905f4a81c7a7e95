/** A conversation's deliveries: in order, once where that can be known, marked where it cannot, never lost. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { REPEAT_MARK } from '../../src/core/channel.js';
import { enqueueDelivery } from '../../src/storage/deliveries.js';
import { openNotices } from '../../src/storage/notices.js';
import { type Post, type PostOptions, buildPost } from './delivery-harness.js';
import { startServer } from './harness.js';

let env: TestWorkflowEnvironment;
let count = 0;
const posts: Post[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  env = await startServer({ 'limit.historyCount.suggestContinueAsNew': 120 });
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const post of posts.splice(0)) await post.close();
});
afterAll(() => env?.teardown());

async function open(options: Partial<PostOptions> = {}): Promise<Post> {
  const post = await buildPost(env, { channel: `fake${(count += 1)}`, ...options });
  posts.push(post);
  return post;
}

describe('a line', () => {
  it('sends its deliveries in order, part after part, the first as a reply, and completes', async () => {
    const post = await open();
    const ids = [await post.send('c', 'one\n\ntwo', { replyTo: '77' }), await post.send('c', 'three'), await post.send('c', 'four')];
    for (const id of ids) await post.reached(id, 'sent');
    expect(post.platform.texts('c')).toEqual(['one', 'two', 'three', 'four']);
    expect(post.platform.messages.map(({ replyTo }) => replyTo)).toEqual(['77', undefined, undefined, undefined]);
    expect(post.platform.messages.map(({ key }) => key)).toEqual([`${ids[0]}:0`, `${ids[0]}:1`, `${ids[1]}:0`, `${ids[2]}:0`]);
    expect(await post.handle('c').result()).toMatchObject({ ended: expect.stringContaining('empty') });
  });

  it('sends what is written while it ends, and what comes after its end', async () => {
    const post = await open();
    const ids: string[] = [];
    for (let i = 0; i < 12; i += 1) {
      ids.push(await post.send('c', String(i)));
      if (i % 3 === 0) await post.reached(ids.at(-1)!, 'sent');
    }
    for (const id of ids) await post.reached(id, 'sent');
    expect(post.platform.texts('c')).toEqual(ids.map((_, i) => String(i)));
  });

  it('goes on when a wake came after it was found empty', async () => {
    let late: (() => Promise<void>) | undefined;
    const post = await open({
      onEmpty: async () => {
        const send = late;
        late = undefined;
        await send?.();
      },
    });
    const second = post.make('c', 'second');
    late = async () => {
      await post.deliveries.send(second);
      // The workflow has heard of it before it hears that there was nothing.
      await expect.poll(async () => JSON.stringify((await post.handle('c').fetchHistory()).events?.at(-1)?.workflowTaskCompletedEventAttributes ?? null)).not.toBe('null');
    };
    const first = await post.send('c', 'first');
    await post.reached(first, 'sent');
    await post.reached(second.id, 'sent');
    expect(post.platform.texts('c')).toEqual(['first', 'second']);
  });

  it('that is blocked holds no other one', async () => {
    const post = await open();
    post.platform.stand('blocked', { kind: 'refuse', status: 401 });
    const first = await post.send('blocked', 'later');
    await post.platform.when(() => post.platform.calls.length > 0);
    await post.reached(await post.send('free', 'now'), 'sent');
    expect(await post.reached(first, 'frozen')).toMatchObject({ parts: { total: 1, sent: 0 } });
    post.platform.stand('blocked');
    await post.reached(first, 'sent');
  });

  it('writes the same id once', async () => {
    const post = await open();
    const delivery = post.make('c', 'once');
    expect(await post.deliveries.send(delivery)).toBe(true);
    await post.reached(delivery.id, 'sent');
    expect(await post.deliveries.send(delivery)).toBe(false);
    await post.reached(await post.send('c', 'after'), 'sent');
    expect(post.platform.texts('c')).toEqual(['once', 'after']);
  });

  it('continues as new when its history is long', async () => {
    const post = await open();
    post.platform.stand('c', { kind: 'refuse', status: 401 });
    const ids = [await post.send('c', 'first')];
    await post.platform.when(() => post.platform.calls.length > 0);
    for (let i = 0; i < 14; i += 1) ids.push(await post.send('c', `m${i}`));
    post.platform.stand('c');
    for (const id of ids) await post.reached(id, 'sent');
    expect(post.platform.texts('c')).toEqual(['first', ...ids.slice(1).map((_, i) => `m${i}`)]);
    const first = await post.handle('c').describe();
    expect(first.raw.workflowExecutionInfo?.firstRunId).not.toBe(first.runId);
  });

  it('tells the Web UI what it does, and no text', async () => {
    const post = await open({ channelState: () => 'reconnecting' });
    post.platform.stand('c', { kind: 'refuse', status: 401 });
    await post.send('c', 'a secret word');
    await post.platform.when(() => post.platform.calls.length > 0);
    const described = await post.handle('c').describe();
    expect(await described.staticSummary()).toContain('c');
    const history = JSON.stringify((await post.handle('c').fetchHistory()).events);
    expect(history).not.toContain('secret');
    expect(history).not.toContain(Buffer.from('secret').toString('base64').slice(0, 8));
    const details = await post.handle('c').query<{ readonly currentDetails: string }>('__temporal_workflow_metadata');
    expect(details.currentDetails).toMatch(/sending.*part 1 of 1.*reconnecting/);
    post.platform.stand('c');
  });
});

describe('a platform that says no for now', () => {
  it('is waited for as long as it says', async () => {
    const post = await open();
    post.platform.plan('c', { kind: 'wait', ms: 2_500 });
    await post.reached(await post.send('c', 'hello'), 'sent');
    const [first, second] = post.platform.calls.map(({ at }) => at);
    expect(second! - first!).toBeGreaterThanOrEqual(2_450);
    expect(post.platform.texts('c')).toEqual(['hello']);
  });

  it('and one that is away, does not make a repeat of what it refused', async () => {
    const post = await open();
    await post.platform.down();
    const id = await post.send('c', 'hello');
    await expect.poll(async () => (await post.handle('c').describe()).raw.pendingActivities?.[0]?.attempt ?? 0).toBeGreaterThan(1);
    await post.platform.up();
    expect((await post.reached(id, 'sent')).parts).toEqual({ total: 1, sent: 1, repeated: 0 });
    expect(post.platform.texts('c')).toEqual(['hello']);
  });
});

describe('a send whose end nobody saw', () => {
  it('is sent again and marked, where the platform can tell nothing', async () => {
    const post = await open();
    post.platform.plan('c', { kind: 'cut after' }, { kind: 'wait', ms: 100 });
    const sent = await post.reached(await post.send('c', 'hello'), 'sent');
    // The refusal in between did not make it certain.
    expect(post.platform.texts('c')).toEqual(['hello', `${REPEAT_MARK}hello`]);
    expect(sent.parts.repeated).toBe(1);
  });

  it('goes without the mark where there is no room for it', async () => {
    const post = await open({ textLimit: 6 });
    post.platform.plan('c', { kind: 'cut before' });
    const sent = await post.reached(await post.send('c', 'hello'), 'sent');
    expect(post.platform.texts('c')).toEqual(['hello']);
    expect(sent.parts.repeated).toBe(1);
  });

  it('is there once where the platform knows the key', async () => {
    const post = await open({ idempotencyKey: true });
    post.platform.plan('c', { kind: 'cut after' });
    const sent = await post.reached(await post.send('c', 'hello'), 'sent');
    expect(post.platform.calls).toHaveLength(2);
    expect(post.platform.texts('c')).toEqual(['hello']);
    expect(sent.parts.repeated).toBe(0);
  });

  it('is looked up where the platform can be asked', async () => {
    const post = await open({ lookup: true });
    post.platform.plan('c', { kind: 'cut after' }, { kind: 'cut before' });
    const ids = [await post.send('c', 'there'), await post.send('c', 'not there')];
    for (const id of ids) expect((await post.reached(id, 'sent')).parts.repeated).toBe(0);
    expect(post.platform.texts('c')).toEqual(['there', 'not there']);
  });

  it('because its worker was killed, is repeated by the next one, and nothing else is', async () => {
    const post = await open({ away: true });
    const channel = post.line('c').channel;
    const loader = fileURLToPath(new URL('../activities/tools/helpers/typescript.mjs', import.meta.url));
    const script = fileURLToPath(new URL('./children/channel-worker.ts', import.meta.url));
    const child = spawn(process.execPath, ['--experimental-transform-types', '--no-warnings', '--import', loader, script, env.address, env.namespace ?? 'default', post.file, post.platform.url, channel], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    await once(child.stdout, 'data');
    post.platform.plan('c', { kind: 'hang after' });
    const [first, second] = [await post.send('c', 'one\n\ntwo'), await post.send('c', 'three')];
    await post.platform.when(() => post.platform.hanging() > 0);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await post.startChannel();
    expect((await post.reached(first, 'sent')).parts).toEqual({ total: 2, sent: 2, repeated: 1 });
    await post.reached(second, 'sent');
    expect(post.platform.texts('c')).toEqual(['one', `${REPEAT_MARK}one`, 'two', 'three']);
  });
});

describe('a platform that says no for good', () => {
  it.each([
    [403, 'Blocked: blocked by the user'],
    [404, 'ChatGone: chat not found'],
    [400, 'Refused: refused with 400'],
  ])('with %i ends the delivery with its reason, tells the owner, and lets the line go on', async (status, reason) => {
    const post = await open();
    post.platform.plan('c', { kind: 'refuse', status });
    const id = await post.send('c', 'one\n\ntwo');
    expect(await post.reached(id, 'failed')).toMatchObject({ reason, parts: { total: 2, sent: 0 } });
    await post.reached(await post.send('c', 'three'), 'sent');
    expect(post.platform.texts('c')).toEqual(['three']);
    const [notice] = await openNotices(post.db);
    expect(notice).toMatchObject({ level: 'error', text: expect.stringContaining(reason), hint: expect.stringContaining(id) });
  });

  it('keeps the parts that were sent when the owner tries again', async () => {
    const post = await open();
    post.platform.plan('c', { kind: 'pass' }, { kind: 'refuse', status: 403 });
    const id = await post.send('c', 'one\n\ntwo\n\nthree');
    expect(await post.reached(id, 'failed')).toMatchObject({ parts: { total: 3, sent: 1 } });
    await post.deliveries.retry(id);
    expect(await post.reached(id, 'sent')).toMatchObject({ parts: { total: 3, sent: 3, repeated: 0 } });
    expect(post.platform.texts('c')).toEqual(['one', 'two', 'three']);
    expect(await openNotices(post.db)).toEqual([]);
    await expect(post.deliveries.retry(id)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await expect(post.deliveries.discard('unknown')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});

describe('a delivery that is too old', () => {
  it('is held with one notice, also when it was frozen in time; the owner sends it or puts it away', async () => {
    let staleMs = 3_600_000;
    const post = await open({ staleMs: () => staleMs });
    post.platform.stand('c', { kind: 'refuse', status: 401 });
    const frozen = await post.send('c', 'frozen in time');
    await post.platform.when(() => post.platform.calls.length > 0);
    const behind = [await post.send('c', 'second'), await post.send('c', 'third')];
    staleMs = 0;
    for (const id of [frozen, ...behind]) await post.reached(id, 'held');
    post.platform.stand('c');
    expect(await openNotices(post.db)).toMatchObject([{ level: 'warn', times: 3 }]);
    expect(post.platform.texts('c')).toEqual([]);

    staleMs = 3_600_000;
    await post.deliveries.retry(behind[0]!);
    await post.deliveries.discard(behind[1]!);
    await post.deliveries.retry(frozen);
    await post.reached(frozen, 'sent');
    await post.reached(behind[1]!, 'discarded');
    expect(post.platform.texts('c')).toEqual(['second', 'frozen in time']);
    expect(await openNotices(post.db)).toEqual([]);
  });
});

describe('the owner and the sweeper', () => {
  it('put away a delivery whose channel is not there, and the line goes on', async () => {
    const post = await open({ away: true });
    const pending = async (): Promise<string | undefined | null> => (await post.handle('c').describe()).raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'renderDelivery')?.activityId;
    const first = await post.send('c', 'never');
    const second = await post.send('c', 'then');
    await expect.poll(pending).toBeTypeOf('string');
    const waiting = await pending();
    await post.deliveries.discard(first);
    // No process of the channel has said a word, and the next one is in hand.
    await expect.poll(async () => [undefined, waiting].includes((await pending()) ?? undefined)).toBe(false);
    await post.startChannel();
    await post.reached(second, 'sent');
    expect(post.platform.texts('c')).toEqual(['then']);
  });

  it('wake a line whose row was written and whose signal was lost, and leave a running one alone', async () => {
    const post = await open();
    const delivery = post.make('c', 'lost signal');
    await post.db.transaction().execute((tx) => enqueueDelivery(tx, delivery));
    await post.deliveries.sweep();
    await post.reached(delivery.id, 'sent');
    expect(post.platform.texts('c')).toEqual(['lost signal']);
  });
});
