/**
 * Which arguments of an allowed command name files, and which options it may have.
 *
 * Invariant: every argument that the command could open as a file is given out as a path to be checked; an option not
 * listed for a known command is refused, because programs take abbreviations (`--fil=`) and options that set clocks,
 * execute or write. For a command of the owner's own choosing every argument counts as a possible path, and as a folder
 * it could walk.
 */

export type Arguments =
  | {
      readonly paths: readonly string[];
      /** Those of which the command could open everything below; `.` is the folder it runs in. */
      readonly walks: readonly string[];
    }
  | { readonly problem: string };

interface Shape {
  /** Letters of options without a value; digits too where `-5` means a count. */
  readonly flags: string;
  /** Letters of options whose value is text that is never opened. */
  readonly values: string;
  /** Letters of options whose value is a number: checked, or a system that knows no such value would open it. */
  readonly numbers?: string;
  /** The same, but the value must be attached: it is optional on BSD. */
  readonly attached?: string;
  /** Letters of options whose value is a path. */
  readonly files?: string;
  /** The letter among the flags that makes the command walk its folders; `--recursive` always does. */
  readonly recursive?: string;
  readonly longFlags?: readonly string[];
  readonly longValues?: readonly string[];
  /** Operands are: paths, text that is never opened, or (`pattern`) text first unless -e gave it, then paths. */
  readonly operands: 'paths' | 'text' | 'pattern';
}

const COLOR = ['color', 'colour'];
/** The options that GNU and BSD share or that are plainly harmless. No `-R` of grep and no `-L` of ls: they follow symlinks. */
const SHAPES: Readonly<Record<string, Shape>> = {
  pwd: { flags: 'LP', values: '', operands: 'text' },
  ls: {
    flags: '1aAbBcCdFgGhiklmnNopqQrRsStuUvxX', values: '', operands: 'paths', recursive: 'R',
    longFlags: ['all', 'almost-all', 'human-readable', 'recursive', 'reverse', 'size', 'directory', 'classify', 'inode', 'full-time', 'no-group', ...COLOR],
    longValues: ['sort', 'time', 'time-style', 'width', 'ignore', 'hide', 'block-size', 'format', ...COLOR],
  },
  cat: { flags: 'AbeEnstTuv', values: '', operands: 'paths', longFlags: ['number', 'number-nonblank', 'squeeze-blank', 'show-all', 'show-ends', 'show-tabs', 'show-nonprinting'] },
  head: { flags: 'qvz0123456789', values: '', numbers: 'nc', operands: 'paths', longFlags: ['quiet', 'silent', 'verbose'], longValues: ['lines', 'bytes'] },
  // Not -f: a command that never ends keeps the session waiting for its time limit.
  tail: { flags: 'qvrz0123456789', values: '', numbers: 'nc', operands: 'paths', longFlags: ['quiet', 'silent', 'verbose'], longValues: ['lines', 'bytes'] },
  wc: { flags: 'clLmw', values: '', operands: 'paths', longFlags: ['bytes', 'chars', 'lines', 'max-line-length', 'words'] },
  date: { flags: 'uRI', values: 'd', files: 'r', operands: 'text', longFlags: ['utc', 'universal', 'rfc-email', 'iso-8601'], longValues: ['date', 'iso-8601', 'rfc-3339'] },
  grep: {
    flags: 'EFGPaiIyvwxclLqsbHhnoTUzrZ0123456789', values: 'e', numbers: 'ABm', attached: 'C', operands: 'pattern', files: 'f', recursive: 'r',
    longFlags: ['extended-regexp', 'fixed-strings', 'basic-regexp', 'perl-regexp', 'ignore-case', 'invert-match', 'word-regexp', 'line-regexp', 'count', 'files-with-matches', 'files-without-match', 'quiet', 'silent', 'no-messages', 'with-filename', 'no-filename', 'line-number', 'only-matching', 'recursive', 'text', ...COLOR],
    longValues: ['regexp', 'after-context', 'before-context', 'context', 'max-count', 'include', 'exclude', 'exclude-dir', ...COLOR],
  },
  sleep: { flags: '', values: '', operands: 'text' },
};

export function readArguments(program: string, args: readonly string[]): Arguments {
  // echo opens nothing, whatever it is told.
  if (program === 'echo') return { paths: [], walks: [] };
  const shape = Object.hasOwn(SHAPES, program) ? SHAPES[program] : undefined;
  if (shape) return readKnown(program, shape, args);
  const paths = args.flatMap(possiblePaths);
  // Many search the folder they run in when no other is named, and which word names one is theirs to know.
  return { paths, walks: ['.', ...paths] };
}

function readKnown(program: string, shape: Shape, args: readonly string[]): Arguments {
  const paths: string[] = [];
  const operands: string[] = [];
  let patternGiven = false;
  let recursive = false;
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (arg === '--') {
      operands.push(...args.slice(index + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      operands.push(arg);
      continue;
    }
    // GNU takes options anywhere, BSD reads those after an operand as files: only before it both agree.
    if (shape.operands === 'pattern' && operands.length > 0) return { problem: `options of ${program} must come before its pattern` };
    const option = arg.startsWith('--') ? readLong(shape, arg) : readShort(shape, arg);
    if (!option) return { problem: `the option ${JSON.stringify(arg.slice(0, 60))} of ${program} is not among those allowed` };
    if (option.name === 'e' || option.name === 'regexp' || option.name === 'f') patternGiven = true;
    if (option.recursive) recursive = true;
    const value = option.takesNext ? args[(index += 1)] : option.value;
    if (option.takesNext && value === undefined) return { problem: `the option ${arg} of ${program} lacks its value` };
    if (option.isNumber && !NUMBER.test(value ?? '')) return { problem: `the option ${arg.slice(0, 20)} of ${program} takes a number` };
    if (option.isPath && value !== undefined) paths.push(value);
  }
  // `date MMDDhhmm` sets the clock.
  if (program === 'date' && operands.some((one) => !one.startsWith('+'))) return { problem: 'date only takes a format that begins with +' };
  const rest = shape.operands === 'pattern' && !patternGiven ? operands.slice(1) : operands;
  // `-` is checked as a name too: not every program takes it for its input.
  if (shape.operands !== 'text') paths.push(...rest);
  return { paths, walks: !recursive ? [] : rest.length > 0 ? rest : ['.'] };
}

interface Option {
  readonly name: string;
  readonly value?: string;
  readonly takesNext: boolean;
  readonly isPath: boolean;
  readonly isNumber: boolean;
  readonly recursive: boolean;
}

/** `5`, `+5`, `-5`, `10k`, `0.5s` */
const NUMBER = /^[+-]?\d+(\.\d+)?[A-Za-z]*$/;

/** Values of long options only with `=`: then no reading of the next word can differ from the program's. */
function readLong(shape: Shape, arg: string): Option | undefined {
  const equals = arg.indexOf('=');
  const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  const known = equals < 0 ? shape.longFlags : shape.longValues;
  return known?.includes(name) ? { name, takesNext: false, isPath: false, isNumber: false, recursive: name === 'recursive' } : undefined;
}

/** `-n5`, `-n 5`, `-rn`, `-rnfpath`: letters up to the first that takes a value. */
function readShort(shape: Shape, arg: string): Option | undefined {
  let recursive = false;
  for (let index = 1; index < arg.length; index += 1) {
    const letter = arg.charAt(index);
    const isPath = shape.files?.includes(letter) ?? false;
    const attached = shape.attached?.includes(letter) ?? false;
    const isNumber = attached || (shape.numbers?.includes(letter) ?? false);
    if (isPath || isNumber || shape.values.includes(letter)) {
      const value = arg.slice(index + 1);
      if (value !== '') return { name: letter, value, takesNext: false, isPath, isNumber, recursive };
      return attached ? undefined : { name: letter, takesNext: true, isPath, isNumber, recursive };
    }
    if (!shape.flags.includes(letter)) return undefined;
    if (letter === shape.recursive) recursive = true;
  }
  return { name: arg.slice(1), takesNext: false, isPath: false, isNumber: false, recursive };
}

/** `--file=/etc/x`, `-f/etc/x`, `if=/etc/x`, `@/etc/x`, `host:/etc/x`: each end that could be a path. */
function possiblePaths(arg: string): readonly string[] {
  // Its slashes are no path of this machine; what it resolves to as one stays inside or has a `..`.
  if (/^https?:\/\/[^\s,]+$/.test(arg)) return [arg];
  const ends = [arg];
  for (const mark of ['=', ':', ',', '@']) {
    for (let at = arg.indexOf(mark); at >= 0; at = arg.indexOf(mark, at + 1)) ends.push(arg.slice(at + 1));
  }
  if (arg.startsWith('-')) {
    for (const start of [arg.indexOf('/'), arg.indexOf('..'), arg.indexOf('~'), 2]) if (start > 0) ends.push(arg.slice(start));
  }
  return ends.filter((end) => end !== '');
}
