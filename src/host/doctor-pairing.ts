/** What doctor says of strangers who wait to be let in. */
import type { Check } from '../gateway/deps.js';
import type { PairingControl } from '../sessions/pairing.js';

export async function pairingCheck(pairing: Pick<PairingControl, 'list'>): Promise<Omit<Check, 'id' | 'title'>> {
  const waiting = await pairing.list();
  if (waiting.length === 0) return { status: 'ok', detail: 'none waits' };
  const held = waiting.reduce((sum, request) => sum + request.held, 0);
  const channels = [...new Set(waiting.map(({ channel, account }) => (account === 'default' ? channel : `${channel} (${account})`)))].join(', ');
  return { status: 'warn', detail: `${waiting.length === 1 ? '1 waits' : `${waiting.length} wait`} to be let in on ${channels}; ${held === 1 ? '1 message is' : `${held} messages are`} held`, remedy: 'openclaw pairing list; then: openclaw pairing approve <channel> <code>' };
}
