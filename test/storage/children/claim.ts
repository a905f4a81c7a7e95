/** An attempt in a worker of its own: claims an effect, says what it found, finishes when told to. */
import { createInterface } from 'node:readline';
import { beginClaim, finishClaim } from '../../../src/storage/claims.js';
import { openStore } from '../../../src/storage/sqlite.js';
import type { Fence } from '../../../src/core/steps.js';

const [file = '', fenceText = '', key = ''] = process.argv.slice(2);
const fence = JSON.parse(fenceText) as Fence;
const db = await openStore(file);
const claim = await beginClaim(db, fence, key, { token: 'child', signal: new AbortController().signal, isMine: () => false });
console.log(claim.state);
for await (const line of createInterface({ input: process.stdin })) {
  await finishClaim(db, fence, key, 'done', { said: line });
  break;
}
console.log('finished');
await db.destroy();
process.exit();
