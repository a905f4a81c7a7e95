/** What a chat command looks like. Pure. */

export const COMMANDS = ['help', 'status', 'new', 'reset', 'stop', 'queue', 'model', 'think', 'usage', 'approve', 'budget', 'whoami', 'link', 'activation'] as const;
export type CommandName = (typeof COMMANDS)[number];

const ALIASES: Readonly<Record<string, CommandName>> = { commands: 'help', start: 'help', thinking: 'think', t: 'think', id: 'whoami' };

export interface Command {
  readonly name: CommandName;
  /** What follows the name. */
  readonly args: string;
}

/**
 * `/think high`, `/think: high`, `/stop@claw_bot`. @returns undefined for what is none of ours: the model reads it as text
 * @param resetTriggers further words that begin a new conversation
 */
export function parseCommand(text: string, resetTriggers: readonly string[] = []): Command | undefined {
  const trimmed = text.trim();
  const [, word = '', rest = ''] = /^\/([a-z]+)(?:@[\w.-]+)?(?:\s*:\s*|\s+|$)([\s\S]*)$/i.exec(trimmed) ?? [];
  const name = word.toLowerCase();
  const known = COMMANDS.find((one) => one === name) ?? (Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined);
  if (known) return { name: known, args: rest.trim() };
  const lower = trimmed.toLowerCase();
  const trigger = resetTriggers.map((one) => one.trim().toLowerCase()).find((one) => one !== '' && (lower === one || lower.startsWith(`${one} `)));
  return trigger === undefined ? undefined : { name: 'new', args: trimmed.slice(trigger.length).trim() };
}
