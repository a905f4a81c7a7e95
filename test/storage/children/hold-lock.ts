/** A gateway in small: holds the lock of a state directory until it is killed. */
import { holdLock } from '../../../src/storage/sqlite.js';

const [file = ''] = process.argv.slice(2);
try {
  const lock = holdLock(file);
  console.log('held');
  // Lives, with its lock, until it is killed.
  process.stdin.resume().once('end', () => lock.release());
} catch (error) {
  console.log((error as { readonly code?: string }).code ?? String(error));
}
