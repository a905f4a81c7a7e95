/** How much the first request of a fresh workspace holds: what every "hello" costs before anybody said anything. */
import { estimateTokens } from '../src/core/context.js';
import type { Row } from './lib/figures.js';
import { scriptedHouse, takeTurn } from './lib/house.js';

export const title = 'the first request of a fresh workspace';
export const ownOnly = 'the workspace of a gateway given by --url is not fresh';

/** PEER §4.1 H: a "hello" turn of the peer. */
const PEER_TOKENS = 17_000;

export async function measure(): Promise<readonly Row[]> {
  const house = await scriptedHouse();
  try {
    await house.start();
    await takeTurn(await house.client(), 'hello', 'main');
    const { raw, body } = house.model.requests[0]!;
    const tools = JSON.stringify(body['tools'] ?? []);
    const rest = JSON.stringify(body['messages'] ?? []);
    return [
      { what: 'whole request', unit: 'bytes', samples: [Buffer.byteLength(raw)] },
      { what: 'of it tools', unit: 'bytes', samples: [Buffer.byteLength(tools)] },
      { what: 'of it prompt and message', unit: 'bytes', samples: [Buffer.byteLength(rest)] },
      { what: 'whole request, estimated', unit: 'tokens', samples: [estimateTokens(raw)], baseline: { name: "the peer's", value: PEER_TOKENS }, peer: '≈17,000 tokens' },
    ];
  } finally {
    await house.remove();
  }
}
