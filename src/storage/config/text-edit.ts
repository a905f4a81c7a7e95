/**
 * Sets and removes one value in JSON5 text.
 * Invariant: every character outside the changed value stays: comments, order, unknown keys, quoting, line ends.
 */
import type { MemberNode, ObjectNode, ValueNode } from '@humanwhocodes/momoa';
import { CodedError } from '../../core/errors.js';
import { findMember, findNode, parseJson5, showPath, type Path } from './json5.js';

/** `a.b`, `a[0].b`, `a.0.b`, `models.providers["my.llm"].baseUrl`. @throws CodedError CONFIG_PATH */
export function parsePath(text: string): Path {
  const parts: string[] = [];
  const pattern = /(?:^|\.)([^.[\]"]+)|\[(\d+)\]|\[\s*(?:"([^"]*)"|'([^']*)')\s*\]/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    const part = match?.[1] ?? match?.[2] ?? match?.[3] ?? match?.[4];
    if (part === undefined || part === '') throw new CodedError('CONFIG_PATH', `"${text}" is no config path`, 'Write it like agents.defaults.model or models.providers["my.llm"].baseUrl.');
    parts.push(part);
  }
  if (parts.length === 0) throw new CodedError('CONFIG_PATH', 'The config path is empty', 'Write it like agents.defaults.model.');
  return parts;
}

/** @throws CodedError CONFIG_SYNTAX, CONFIG_PATH */
export function setInText(raw: string, path: Path, value: unknown): string {
  const source = raw.trim() === '' ? '{\n}\n' : raw;
  const root = parseJson5(source, 'openclaw.json').document.body;
  let depth = path.length;
  while (findNode(root, path.slice(0, depth)) === undefined) depth -= 1;
  const node = findNode(root, path.slice(0, depth)) ?? root;
  if (depth === path.length) return splice(source, node.loc.start.offset, node.loc.end.offset, show(value, indentAt(source, node.loc.start.offset)));
  const [key = '', ...inner] = path.slice(depth);
  if (node.type === 'Array') return appendToArray(source, node, path.slice(0, depth), key, nest(inner, value));
  if (node.type !== 'Object') {
    throw new CodedError('CONFIG_PATH', `${showPath(path.slice(0, depth))} is a plain value, so ${showPath(path)} cannot be set`, `Set ${showPath(path.slice(0, depth))} as a whole.`);
  }
  return insertMember(source, node, key, nest(inner, value), quotes(root));
}

/** The text without the value; unchanged when there is none. @throws CodedError CONFIG_SYNTAX */
export function unsetInText(raw: string, path: Path): string {
  if (raw.trim() === '') return raw;
  const root = parseJson5(raw, 'openclaw.json').document.body;
  const parent = findNode(root, path.slice(0, -1));
  const key = path.at(-1) ?? '';
  if (parent?.type === 'Array') {
    const items = parent.elements.map((element) => raw.slice(element.value.loc.start.offset, element.value.loc.end.offset));
    if (!(Number(key) in items)) return raw;
    items.splice(Number(key), 1);
    return splice(raw, parent.loc.start.offset, parent.loc.end.offset, `[${items.join(', ')}]`);
  }
  const member = parent?.type === 'Object' ? findMember(parent, key) : undefined;
  return parent?.type === 'Object' && member ? removeMember(raw, parent, member) : raw;
}

const splice = (text: string, start: number, end: number, put: string): string => text.slice(0, start) + put + text.slice(end);

const nest = (path: Path, value: unknown): unknown => path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);

const show = (value: unknown, indent: string): string => JSON.stringify(value, null, 2).replaceAll('\n', `\n${indent}`);

/** Whitespace at the start of the line that holds `offset`. */
function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** Quoted keys unless the file writes them bare. */
const quotes = (root: ValueNode): boolean => !(root.type === 'Object' && root.members[0]?.name.type === 'Identifier');

const keyText = (key: string, quoted: boolean): string => (quoted || !/^[A-Za-z_$][\w$]*$/.test(key) ? JSON.stringify(key) : key);

function insertMember(text: string, node: ObjectNode, key: string, value: unknown, quoted: boolean): string {
  const outer = indentAt(text, node.loc.start.offset);
  const first = node.members[0];
  const last = node.members.at(-1);
  const close = node.loc.end.offset - 1;
  if (!first || !last) {
    // Comments inside an otherwise empty object stay before the new member.
    const inside = text.slice(node.loc.start.offset + 1, close).trimEnd();
    const indent = `${outer}  `;
    return splice(text, node.loc.start.offset + 1, close, `${inside}\n${indent}${keyText(key, quoted)}: ${show(value, indent)}\n${outer}`);
  }
  const multiline = text.slice(node.loc.start.offset, first.loc.start.offset).includes('\n');
  const indent = multiline ? indentAt(text, first.loc.start.offset) : outer;
  const member = `${keyText(key, quoted)}: ${show(value, indent)}`;
  const end = last.loc.end.offset;
  const comma = nextComma(text, end);
  if (!multiline) return comma === undefined ? splice(text, end, end, `, ${member}`) : splice(text, comma + 1, comma + 1, ` ${member},`);
  const after = comma === undefined ? end : comma + 1;
  // A comment behind the last member on its line belongs to that member.
  const tail = /^[ \t]*(\/\/[^\n]*|\/\*[^\n]*?\*\/[ \t]*)?(?=\r?\n)/.exec(text.slice(after))?.[0] ?? '';
  const put = `${comma === undefined ? ',' : ''}${tail}\n${indent}${member}${comma === undefined ? '' : ','}`;
  return splice(text, after, after + tail.length, put);
}

function appendToArray(text: string, node: ValueNode & { type: 'Array' }, path: Path, key: string, value: unknown): string {
  if (key !== String(node.elements.length)) {
    throw new CodedError('CONFIG_PATH', `${showPath(path)} has ${node.elements.length} entries; [${key}] is not one of them`, `The next free one is ${showPath(path)}[${node.elements.length}].`);
  }
  const last = node.elements.at(-1);
  const put = show(value, indentAt(text, node.loc.start.offset));
  if (!last) return splice(text, node.loc.start.offset + 1, node.loc.start.offset + 1, put);
  return splice(text, last.value.loc.end.offset, last.value.loc.end.offset, `, ${put}`);
}

function removeMember(text: string, parent: ObjectNode, member: MemberNode): string {
  const index = parent.members.indexOf(member);
  let start = member.loc.start.offset;
  let end = member.loc.end.offset;
  const comma = nextComma(text, end);
  if (comma !== undefined) end = comma + 1;
  // The whole line goes when nothing else stands on it.
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const rest = /^[ \t]*(\r?\n)?/.exec(text.slice(end))?.[0] ?? '';
  if (text.slice(lineStart, start).trim() === '' && rest.endsWith('\n')) {
    start = lineStart;
    end += rest.length;
  } else if (comma !== undefined) end += /^[ \t]*/.exec(text.slice(end))?.[0].length ?? 0;
  const shorter = splice(text, start, end, '');
  // Without a comma behind it this was the last one: strict JSON readers want none before the brace either.
  const before = index > 0 && comma === undefined ? parent.members[index - 1] : undefined;
  const stale = before && nextComma(text, before.loc.end.offset);
  return stale === undefined ? shorter : splice(shorter, stale, stale + 1, '');
}

/** Offset of the comma that follows `from`, past whitespace and comments. */
function nextComma(text: string, from: number): number | undefined {
  const skipped = /^(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/.exec(text.slice(from))?.[0].length ?? 0;
  return text[from + skipped] === ',' ? from + skipped : undefined;
}
