/** Histories of deliveries that later versions must replay: each is a state that a released version can leave in an engine. */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { type Post, buildPost } from './delivery-harness.js';

const CHAT = 'c';

const SCENES: Readonly<Record<string, (post: Post) => Promise<void>>> = {
  async 'delivery-sent'(post) {
    await post.reached(await post.send(CHAT, 'one\n\ntwo'), 'sent');
    await post.handle(CHAT).result();
  },
  async 'delivery-refused'(post) {
    post.platform.stand(CHAT, { kind: 'refuse', status: 403 });
    await post.reached(await post.send(CHAT, 'never'), 'failed');
    await post.handle(CHAT).result();
  },
  /** In the middle of its sends. */
  async 'delivery-waits'(post) {
    post.platform.stand(CHAT, { kind: 'refuse', status: 401 });
    await post.send(CHAT, 'later');
    await post.platform.when(() => post.platform.calls.length > 0);
  },
};

/** Plays every scene. @returns its histories as JSON */
export async function recordDeliveries(env: TestWorkflowEnvironment): Promise<ReadonlyMap<string, string>> {
  const out = new Map<string, string>();
  for (const [name, scene] of Object.entries(SCENES)) {
    const post = await buildPost(env, { channel: name });
    await scene(post);
    out.set(name, historyToJSON(await post.handle(CHAT).fetchHistory()));
    if (name === 'delivery-waits') await post.handle(CHAT).terminate('recorded');
    await post.close();
  }
  return out;
}
