/**
 * The system prompt: who the agent is, its rules, its owner, and the facts of this machine.
 * Invariant: the same files on the same day give the same bytes, so providers can cache it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** In this order: what is stable comes first. */
const FILES = ['SOUL.md', 'AGENTS.md', 'USER.md'] as const;
/** Per file, in characters; what is cut is marked. */
const FILE_MAX = 12_000;

export interface PromptFacts {
  readonly workspace: string;
  readonly platform: NodeJS.Platform;
  /** IANA zone of the owner. */
  readonly timezone: string;
  readonly now: Date;
}

export async function systemPrompt(facts: PromptFacts): Promise<string> {
  const parts = [
    'You are the owner\'s personal agent, reached through OpenClaw. Use your tools to act; answer in the language you are spoken to, in plain Markdown.',
  ];
  for (const name of FILES) {
    const text = await readText(join(facts.workspace, name));
    if (text !== '') parts.push(`<file name="${name}">\n${text}\n</file>`);
  }
  // The day and not the minute: a prompt that changes with every call would never be cached.
  parts.push(`Machine: ${facts.platform === 'darwin' ? 'macOS' : facts.platform}. Workspace: ${facts.workspace}. Date: ${dateIn(facts.timezone, facts.now)} (${facts.timezone}).`);
  return parts.join('\n\n');
}

async function readText(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch {
    // A missing or unreadable file is the owner's business; the agent works without it.
    return '';
  }
  // Half a surrogate pair at the cut would be no JSON to providers.
  return text.length <= FILE_MAX ? text : `${text.slice(0, FILE_MAX).replace(/[\ud800-\udbff]$/, '')}\n[cut: ${text.length - FILE_MAX} more characters in the file]`;
}

function dateIn(timezone: string, now: Date): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: timezone, year: 'numeric', month: '2-digit', day: '2-digit', weekday: 'long' }).format(now);
}
