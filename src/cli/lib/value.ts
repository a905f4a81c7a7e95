/** A value typed at the shell. `true`, `3`, `null`, `[…]`, `{…}` and quoted text are JSON5; anything else is text. */
import json5 from 'json5';
import { messageOf } from '../../core/errors.js';
import { usageError } from './fail.js';

export function parseValue(text: string): unknown {
  const trimmed = text.trim();
  try {
    return json5.parse(trimmed) as unknown;
  } catch (error) {
    // Somebody who opened a bracket or a quote meant JSON5: storing that as text would hide the slip.
    if (/^[[{"']/.test(trimmed)) throw usageError(`the value cannot be read: ${messageOf(error).replace(/^JSON5: /, '')}`, 'Correct it, or use --string to store it as text.');
    return text;
  }
}
