/**
 * Root flags may stand before the command (`openclaw --profile work status`); oclif reads flags only behind it.
 * Invariant: the order of everything else is kept, and nothing behind `--` is touched.
 */
const WITH_VALUE: ReadonlySet<string> = new Set(['--profile', '--log-level']);
const ALONE: ReadonlySet<string> = new Set(['--dev', '--no-color', '--json']);

export function moveRootFlags(argv: readonly string[]): string[] {
  const flags: string[] = [];
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (ALONE.has(word) || [...WITH_VALUE].some((flag) => word.startsWith(`${flag}=`))) flags.push(word);
    else if (WITH_VALUE.has(word)) {
      flags.push(word, ...argv.slice(at + 1, at + 2));
      at += 1;
    } else break;
  }
  const rest = argv.slice(at);
  const end = rest.indexOf('--');
  return end === -1 ? [...rest, ...flags] : [...rest.slice(0, end), ...flags, ...rest.slice(end)];
}
