/** A tool call in one line: its name and the argument that says most. */

/** The argument a person would ask for first, by tool; others show all of theirs. */
const TELLING: Readonly<Record<string, string>> = { exec: 'command', read: 'path', write: 'path', edit: 'path', ls: 'path', web_fetch: 'url', web_search: 'query', message: 'to' };

export function toolLine(tool: string, args: Readonly<Record<string, unknown>> | undefined): string {
  const telling = TELLING[tool];
  const value = telling === undefined ? undefined : args?.[telling];
  if (typeof value === 'string') return `${tool} ${value}`;
  return args === undefined || Object.keys(args).length === 0 ? tool : `${tool} ${JSON.stringify(args)}`;
}
