/** A process that opens a store, when told to. Prints `open` or the error's code. */
import { createInterface } from 'node:readline';
import { openStore } from '../../../src/storage/sqlite.js';

const [file = ''] = process.argv.slice(2);
console.log('ready');
for await (const _ of createInterface({ input: process.stdin })) break;
try {
  const db = await openStore(file);
  console.log('open');
  await db.destroy();
} catch (error) {
  console.log(`${(error as { readonly code?: string }).code}: ${String(error)}`);
}
process.exit();
