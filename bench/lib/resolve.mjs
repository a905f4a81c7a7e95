/**
 * Lets Node run the bench's TypeScript as it is: `x.js` beside it is `x.ts`, and a file of `src/` is the compiled one in
 * `dist/`.
 *
 * Invariant: what is measured is the build that ships, never a second one made for the bench.
 */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('.') || !specifier.endsWith('.js') || !context.parentURL?.startsWith(root)) return next(specifier, context);
    const url = new URL(specifier, context.parentURL).href;
    if (url.startsWith(`${root}src/`)) return next(url.replace(`${root}src/`, `${root}dist/`), context);
    const typescript = url.replace(/\.js$/, '.ts');
    return next(existsSync(fileURLToPath(typescript)) ? typescript : url, context);
  },
});
