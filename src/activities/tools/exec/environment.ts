/**
 * The environment a command sees.
 *
 * Invariant: no variable whose name says that it holds a secret reaches a command or its supervisor. (A command runs as
 * the same user and could read the gateway's memory or files; this keeps secrets out of `env`, logs and child tools,
 * it is no sandbox.)
 */
const SECRET = /PASSWORD|PASSPHRASE|API_?KEY|(^|_)(KEY|TOKEN|SECRETS?|PASSWD|PASS|CREDENTIALS?|COOKIE|DSN|AUTH)(_|$)/i;
/** They match the pattern but hold the path of a socket or a program. */
const HARMLESS = new Set(['SSH_AUTH_SOCK', 'GIT_ASKPASS', 'SSH_ASKPASS']);
/** Values like `scheme://user:password@host`. */
const URL_WITH_PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i;

export function commandEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (!HARMLESS.has(name) && (SECRET.test(name) || URL_WITH_PASSWORD.test(value))) continue;
    kept[name] = value;
  }
  // Nobody sits at this terminal: no colours, no pager, no question that waits for an answer.
  return { ...kept, TERM: 'dumb', PAGER: 'cat', GIT_PAGER: 'cat', GIT_TERMINAL_PROMPT: '0' };
}
