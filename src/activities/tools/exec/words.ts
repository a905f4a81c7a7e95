/**
 * Parsing a simple command: one program and its words, with quotes, nothing else of the shell's language.
 *
 * Invariant: where this gives words, every POSIX shell would give the same ones; where a shell would do anything more
 * than split and unquote (expand, redirect, chain, substitute, assign), this gives a reason instead. The words are then
 * executed without a shell, so even an error here cannot become a second command.
 * (`shell-quote` was tried: it drops an unclosed quote, reads a newline as a blank and `a#b` as a comment.)
 */

export type Parsed = { readonly words: readonly string[] } | { readonly problem: string };

/** Outside quotes each of these starts something other than a word. */
const OPERATORS: Readonly<Record<string, string>> = {
  ';': 'chaining (;)',
  '&': 'chaining or background (&)',
  '|': 'a pipe (|)',
  '<': 'redirection (<)',
  '>': 'redirection (>)',
  '(': 'a subshell',
  ')': 'a subshell',
  '`': 'command substitution (`)',
  $: 'expansion ($)',
  '*': 'a glob (*); quote it, or list the names',
  '?': 'a glob (?); quote it, or list the names',
  '[': 'a glob ([); quote it, or list the names',
  '{': 'brace expansion ({)',
  '}': 'brace expansion (})',
  '\n': 'more than one line',
  '\r': 'a carriage return',
};
/** A backslash inside double quotes is only an escape before these. */
const ESCAPED_IN_DOUBLE = new Set(['"', '\\', '$', '`']);

export function parseSimple(command: string): Parsed {
  const words: string[] = [];
  let word: string | undefined;
  let index = 0;
  const at = (): string => command.charAt(index);

  while (index < command.length) {
    const char = at();
    if (char === '\0') return { problem: 'a null byte' };
    if (char === ' ' || char === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
      index += 1;
    } else if (char === "'") {
      const end = command.indexOf("'", index + 1);
      if (end < 0) return { problem: "a quote (') that is not closed" };
      word = (word ?? '') + command.slice(index + 1, end);
      index = end + 1;
    } else if (char === '"') {
      const quoted = doubleQuoted(command, index + 1);
      if ('problem' in quoted) return quoted;
      word = (word ?? '') + quoted.text;
      index = quoted.end;
    } else if (char === '\\') {
      const next = command.charAt(index + 1);
      if (next === '' || next === '\n' || next === '\r') return { problem: 'a backslash at the end of a line' };
      word = (word ?? '') + next;
      index += 2;
    } else if (OPERATORS[char] !== undefined) {
      return { problem: OPERATORS[char] };
    } else if (char === '#' && word === undefined) {
      return { problem: 'a comment (#)' };
    } else if (char === '~' && (word === undefined || /[=:]$/.test(word))) {
      return { problem: 'expansion (~)' };
    } else if (char === '!' && word === undefined && words.length === 0) {
      return { problem: 'negation (!)' };
    } else {
      if (words.length === 0 && char === '=') return { problem: 'an assignment (=)' };
      word = (word ?? '') + char;
      index += 1;
    }
  }
  if (word !== undefined) words.push(word);
  if (words.some((one) => one.includes('\0'))) return { problem: 'a null byte' };
  return words.length === 0 ? { problem: 'nothing in it' } : { words };
}

function doubleQuoted(command: string, start: number): { readonly text: string; readonly end: number } | { readonly problem: string } {
  let text = '';
  for (let index = start; index < command.length; index += 1) {
    const char = command.charAt(index);
    if (char === '"') return { text, end: index + 1 };
    if (char === '$') return { problem: 'expansion ($) in double quotes; use single quotes' };
    if (char === '`') return { problem: 'command substitution (`) in double quotes; use single quotes' };
    if (char === '\\') {
      const next = command.charAt(index + 1);
      // A shell would join the lines.
      if (next === '\n') return { problem: 'a backslash at the end of a line' };
      if (ESCAPED_IN_DOUBLE.has(next)) {
        text += next;
        index += 1;
        continue;
      }
    }
    text += char;
  }
  return { problem: 'a quote (") that is not closed' };
}
