/** What the owner must be told, outside of any conversation. Pure types. Times are epoch milliseconds. */
export interface Notice {
  /** What it is about: `session-stuck:<session key>`, `store-behind`, … The same one is raised again, not added. */
  readonly key: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
  /** What to do. */
  readonly hint?: string;
  readonly times: number;
  readonly firstAt: number;
  readonly lastAt: number;
}
