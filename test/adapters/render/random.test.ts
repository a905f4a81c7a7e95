/** What must hold for any text and any tree, on every kind of markup. */
import * as fc from 'fast-check';
import type { Root } from 'mdast';
import { describe, expect, it } from 'vitest';

import type { Emitter } from '../../../src/adapters/render/emitter.js';
import { parseMarkdown } from '../../../src/adapters/render/markdown.js';
import { allText, type Node } from '../../../src/adapters/render/nodes.js';
import { plainText } from '../../../src/adapters/render/plain.js';
import { renderParts } from '../../../src/adapters/render/render.js';
import { telegramHtml } from '../../../src/adapters/telegram/html.js';
import { parseTelegramHtml } from '../../servers/telegram/html.js';
import { mrkdwn } from './mrkdwn.js';
import { soup, tree } from './soup.js';

/** `FUZZ_RUNS=20000 FUZZ_SEED=1` looks further; what it finds becomes an example in a test beside this one. */
const RUNS = { numRuns: Number(process.env['FUZZ_RUNS'] ?? 400), seed: Number(process.env['FUZZ_SEED'] ?? 20_260_915) };
const limits = fc.constantFrom(64, 65, 100, 257, 1000, 4000, 4096);
const inputs: readonly (readonly [string, fc.Arbitrary<Root>])[] = [['any text', soup.map(parseMarkdown)], ['any tree', tree]];
const unlimited = (emitter: Emitter): Emitter => ({ ...emitter, limit: Number.MAX_SAFE_INTEGER });

/** Letters alone: white space and signs of lists, quotes and cuts are set anew in each part. */
const letters = (text: string): string => (text.match(/\p{L}/gu) ?? []).join('');

describe.each(inputs)('%s', (_, roots) => {
  it('is taken by Telegram: within the limit, parsed without complaint, with something to see', () => {
    fc.assert(fc.property(roots, limits, (root, limit) => {
      for (const part of renderParts(root, telegramHtml, limit)) {
        const parsed = parseTelegramHtml(part.text);
        if ('error' in parsed) throw new Error(`${parsed.error}\n${part.text}`);
        expect(parsed.text.length).toBeLessThanOrEqual(limit);
        expect(parsed.text.replace(/[\s\p{Cc}\p{Cf}\u2800]/gu, '')).not.toBe('');
        expect(Buffer.byteLength(part.text)).toBeLessThan(35_000);
        expect(part.plain.length).toBeLessThanOrEqual(limit);
        expect(part.plain.trim()).not.toBe('');
      }
    }), RUNS);
  });

  it.each([['html', telegramHtml], ['plain', plainText], ['mrkdwn', mrkdwn]] as const)('is within the limit and whole characters in %s', (__, emitter) => {
    fc.assert(fc.property(roots, limits, (root, limit) => {
      for (const part of renderParts(root, emitter, limit)) {
        expect(emitter.measure(part.text)).toBeLessThanOrEqual(limit);
        expect(part.text.isWellFormed() && part.plain.isWellFormed()).toBe(true);
        expect(/&(?:[a-z]{0,3}|#[^;]{0,6})$/.test(emitter === plainText ? '' : part.text)).toBe(false);
      }
    }), RUNS);
  });

  it.each([['html', telegramHtml], ['plain', plainText], ['mrkdwn', mrkdwn]] as const)('loses no letter by being split (%s)', (__, emitter) => {
    fc.assert(fc.property(roots, limits, (root, limit) => {
      const whole = renderParts(root, unlimited(emitter), Number.MAX_SAFE_INTEGER);
      expect(whole.length).toBeLessThanOrEqual(1);
      expect(letters(renderParts(root, emitter, limit).map((part) => part.plain).join(''))).toBe(letters(whole[0]?.plain ?? ''));
    }), RUNS);
  });

  it('keeps every letter of the tree, in order', () => {
    fc.assert(fc.property(roots, (root) => {
      const shown = letters(renderParts(root, plainText).map((part) => part.plain).join(''));
      let at = 0;
      for (const letter of letters(expectedText(root))) {
        at = shown.indexOf(letter, at) + 1;
        if (at === 0) throw new Error(`lost: ${letter}`);
      }
    }), RUNS);
  });

  it('gives the same parts each time, also from a stored copy', () => {
    fc.assert(fc.property(roots, limits, (root, limit) => {
      expect(renderParts(JSON.parse(JSON.stringify(root)) as Root, telegramHtml, limit)).toEqual(renderParts(root, telegramHtml, limit));
    }), RUNS);
  });
});

/** The text of a tree without what is set elsewhere (footnotes, at the end) and without terminals' sequences and tags that became marks. */
function expectedText(root: Root): string {
  const without = (node: Node): Node => ({ ...node, value: node.type === 'html' && /^<\/?(?:u|br\s*\/?)>$/i.test(node.value ?? '') ? '' : (node.value ?? ''), children: (node.children ?? []).filter((child) => child.type !== 'footnoteDefinition').map(without) });
  return allText(without(root as Node)).toWellFormed().replace(/\u001b\[[0-?]*[ -/]*[@-~]/g, '');
}
