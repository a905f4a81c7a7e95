/**
 * JSON5 text to a value, remembering where each value stands.
 * Invariant: what is reported about a config always names a line and column of the file as it was read.
 */
import { evaluate, parse, type DocumentNode, type MemberNode, type ValueNode } from '@humanwhocodes/momoa';
import { CodedError, messageOf } from '../../core/errors.js';

export type Path = readonly string[];
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface ParsedJson5 {
  readonly document: DocumentNode;
  readonly value: unknown;
  /** Where the value at `path` stands, or the nearest one around it. */
  locate(path: Path): Position;
  /** The key itself rather than its value. */
  locateKey(path: Path): Position;
}

/** @throws CodedError CONFIG_SYNTAX with file, line and column */
export function parseJson5(text: string, file: string): ParsedJson5 {
  // An empty file is an empty config: what `touch openclaw.json` makes.
  const source = text.trim() === '' ? '{}' : text;
  let document: DocumentNode;
  let value: unknown;
  try {
    document = parse(source.replace(/^\uFEFF/, ' '), { mode: 'json5', ranges: true });
    value = evaluate(document);
  } catch (error) {
    const at = error as { readonly line?: number; readonly column?: number };
    const message = messageOf(error).replace(/\s*\(\d+:\d+\)$/, '').replace(/ found\.$/, '');
    throw new CodedError('CONFIG_SYNTAX', `${file}:${at.line ?? 1}:${at.column ?? 1} ${message}`, 'Correct the file at that place: it must be JSON5.', {
      line: at.line ?? 1,
      column: at.column ?? 1,
    });
  }
  const locateKey = (path: Path): Position => {
    const parent = findNode(document.body, path.slice(0, -1));
    const member = parent?.type === 'Object' ? findMember(parent, path.at(-1) ?? '') : undefined;
    return member ? member.name.loc.start : nearest(document.body, path);
  };
  return { document, value, locate: (path) => nearest(document.body, path), locateKey };
}

export const memberName = (member: MemberNode): string => (member.name.type === 'String' ? member.name.value : member.name.name);

/** The last member of that name: the one that counts. */
export function findMember(node: ValueNode, name: string): MemberNode | undefined {
  if (node.type !== 'Object') return undefined;
  return node.members.findLast((member) => memberName(member) === name);
}

export function findNode(node: ValueNode, path: Path): ValueNode | undefined {
  let at: ValueNode | undefined = node;
  for (const part of path) {
    if (at?.type === 'Object') at = findMember(at, part)?.value;
    else if (at?.type === 'Array') at = at.elements[Number(part)]?.value;
    else return undefined;
  }
  return at;
}

function nearest(root: ValueNode, path: Path): Position {
  for (let length = path.length; length >= 0; length--) {
    const node = findNode(root, path.slice(0, length));
    if (node) return node.loc.start;
  }
  return root.loc.start;
}

/** `models.providers.my-llm.models[0].id` for people. */
export const showPath = (path: Path): string =>
  path.reduce((text, part) => (/^\d+$/.test(part) ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '');
