/** Histories of pairing that later versions must replay: each is a state that a released version can leave in an engine. */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { type Lobby, buildLobby } from './pairing-harness.js';

const decide = async (lobby: Lobby, decision: 'approve' | 'deny'): Promise<void> => {
  await lobby.pairing.decide({ channel: 'telegram', code: await lobby.code('ann') }, { decision, by: 'owner' });
  await lobby.handle('ann').result();
};

const SCENES: Readonly<Record<string, (lobby: Lobby) => Promise<void>>> = {
  async 'pairing-waits'(lobby) {
    await lobby.code('ann');
  },
  'pairing-let-in': (lobby) => decide(lobby, 'approve'),
  'pairing-denied': (lobby) => decide(lobby, 'deny'),
  async 'pairing-expired'(lobby) {
    await lobby.code('ann');
    await lobby.db.updateTable('pairing').set({ expires_at: Date.now() - 1 }).execute();
    await lobby.handle('ann').signal('held', { inboundId: '' });
    await lobby.handle('ann').result();
  },
};

/** Plays every scene. @returns its histories as JSON */
export async function recordPairing(env: TestWorkflowEnvironment): Promise<ReadonlyMap<string, string>> {
  const out = new Map<string, string>();
  for (const [name, scene] of Object.entries(SCENES)) {
    const lobby = await buildLobby(env, { account: name });
    for (const id of ['m1', 'm2']) await lobby.say('ann', id);
    await scene(lobby);
    out.set(name, historyToJSON(await lobby.handle('ann').fetchHistory()));
    if (name === 'pairing-waits') await lobby.handle('ann').terminate('recorded');
    await lobby.close();
  }
  return out;
}
